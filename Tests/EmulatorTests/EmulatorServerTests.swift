import Curl
import Events
import FoundationEssentials
import GRPC
import Logging
import PubSub
import TestSupport
import Testing

@testable import Emulator

/// The whole emulator behind real sockets, with the project's own clients.
@Suite(.timeLimit(.minutes(15))) struct EmulatorServerTests {
    private let http = CurlClient()

    @Test func `serves tokens, topics, schemas and events`() async throws {
        try await withEmulator { emulator, grpc in
            let metadata = try await signIn(emulator)
            let reply = try await grpc.unary(
                path: PubSubMethod.getTopic, message: TopicRequest(topicName: "/data/AccountChangeEvent").encode(),
                metadata: metadata, deadline: .seconds(10))
            let topic = try TopicInfo(decoding: reply.message)
            #expect(topic.schemaID == SalesforceSchemas.account.id)
            let schema = try await grpc.unary(
                path: PubSubMethod.getSchema, message: SchemaRequest(schemaID: topic.schemaID).encode(),
                metadata: metadata, deadline: .seconds(10))
            #expect(try SchemaInfo(decoding: schema.message).schemaJSON == SalesforceSchemas.account.json)

            let stream = try await subscribe(grpc, "/data/ChangeEvents", metadata, .earliest)
            try await emulator.publish([EmulatedChange(entity: "Account", recordIDs: ["001"])])
            let response = try await next(stream)
            #expect(response.events.map(\.schemaID) == [topic.schemaID])
            #expect(response.pendingNumRequested == 99)
        }
    }

    @Test func `published platform events come back with their ID`() async throws {
        try await withEmulator { emulator, grpc in
            let metadata = try await signIn(emulator)
            let event = ProducerEvent(id: "mine", schemaID: SalesforceSchemas.orderReady.id, payload: [1, 2])
            let reply = try await grpc.unary(
                path: PubSubMethod.publish,
                message: PublishRequest(topicName: "/event/Order_Ready__e", events: [event]).encode(),
                metadata: metadata, deadline: .seconds(10))
            let result = try PublishResponse(decoding: reply.message).results[0]
            let stream = try await subscribe(grpc, "/event/Order_Ready__e", metadata, .earliest)
            let received = try await next(stream).events
            #expect(received.map(\.id) == ["mine"])
            #expect(received.map(\.replayID) == [result.replayID])
        }
    }

    @Test func `an idle stream is kept alive`() async throws {
        var options = EmulatorOptions()
        options.keepalive = .milliseconds(20)
        try await withEmulator(options) { emulator, grpc in
            let stream = try await subscribe(grpc, "/data/ChangeEvents", try await signIn(emulator), .latest)
            let first = try await next(stream)
            #expect(first.events.isEmpty)
            #expect(first.latestReplayID != nil)
            #expect(try await next(stream).events.isEmpty)
        }
    }

    @Test func `errors carry code, ID and call`() async throws {
        try await withEmulator { emulator, grpc in
            var metadata = try await signIn(emulator)
            let unknown = try await subscribe(grpc, "/data/NopeChangeEvent", metadata, .latest)
            let missing = await unknown.failure()
            #expect(missing?.code == .notFound)
            #expect(missing?.errorCode == "sfdc.platform.eventbus.grpc.topic.not.found")
            #expect(missing?.trailers["type"] == "Subscribe")
            #expect(missing?.rpcID.map { missing?.message.hasSuffix("rpcId: \($0)") ?? false } == true)

            metadata = ["accesstoken": "x", "instanceurl": emulator.url, "tenantid": "y"]
            let refused = await (try await subscribe(grpc, "/data/ChangeEvents", metadata, .latest)).failure()
            #expect(refused?.code == .unauthenticated)
            #expect(refused?.errorCode == "sfdc.platform.eventbus.grpc.service.auth.error")
        }
    }

    @Test func `a stream without credit is reset`() async throws {
        var options = EmulatorOptions()
        options.zeroCredit = .milliseconds(20)
        try await withEmulator(options) { emulator, grpc in
            try await emulator.publish([EmulatedChange(entity: "Account", recordIDs: ["001"])])
            let stream = try await subscribe(
                grpc, "/data/ChangeEvents", try await signIn(emulator), .earliest, count: 1)
            #expect(try await next(stream).pendingNumRequested == 0)
            #expect(await stream.failure()?.isRetryable == true)
        }
    }

    @Test(arguments: ["goaway", "rst", "disconnect", "unauthenticated", "unavailable"])
    func `a fault ends the stream, and later everything works again`(name: String) async throws {
        try await withEmulator { emulator, grpc in
            let stream = try await subscribe(grpc, "/data/ChangeEvents", try await signIn(emulator), .earliest)
            try await emulator.publish([EmulatedChange(entity: "Account", recordIDs: ["001"])])
            let cursor = try await next(stream).events[0].replayID
            let brief: Value = .record(["kind": .string(name), "for": .string("0s")])
            let fault: Value = name == "unavailable" ? brief : .string(name)
            try await emulator.perform(ScriptStep(.record(["fault": fault])))
            let error = await stream.failure()
            #expect(error != nil)
            #expect((error?.code == .unauthenticated) == (name == "unauthenticated"))

            try await emulator.publish([EmulatedChange(entity: "Account", recordIDs: ["002"])])
            let again = try await grpc.open(path: PubSubMethod.subscribe, metadata: try await signIn(emulator))
            let request = FetchRequest(
                topicName: "/data/ChangeEvents", replayPreset: .custom, replayID: cursor, numRequested: 5)
            try await again.send(request.encode())
            #expect(try await next(again).events.count == 1)
        }
    }

    @Test func `a burst larger than the credit arrives whole and in order`() async throws {
        try await withEmulator { emulator, grpc in
            for index in 0..<1000 {
                try await emulator.publish([EmulatedChange(entity: "Account", recordIDs: ["\(index)"])])
            }
            let stream = try await subscribe(grpc, "/data/AccountChangeEvent", try await signIn(emulator), .earliest)
            var ids: [ReplayID] = []
            while ids.count < 1000 {
                let response = try await next(stream)
                ids += response.events.map(\.replayID)
                guard response.pendingNumRequested < 100 else { continue }
                try await stream.send(FetchRequest(numRequested: 100 - response.pendingNumRequested).encode())
            }
            #expect(Set(ids).count == 1000)
            #expect(ids.map { TopicLog.position($0)! } == ids.map { TopicLog.position($0)! }.sorted())
        }
    }

    @Test func `targets receive, refuse when told to, and are looked into`() async throws {
        try await withEmulator { emulator, _ in
            try await emulator.perform(.target(TargetFault(path: "/hooks/*", status: 503, retryAfter: 2)))
            let refused = try await send("POST", emulator.url + "/hooks/a", #"{"a":1}"#)
            #expect(refused.status == 503)
            #expect(refused.header("retry-after") == "2")
            #expect(try await send("POST", emulator.url + "/hooks/a", #"{"a":1}"#).status == 204)
            #expect(try await send("POST", emulator.url + EmulatorDefaults.listenerPath, "[1]").status == 204)
            let flow = emulator.url + "/webhooks/" + EmulatorDefaults.flowMateOrderFlow
            #expect(try await send("POST", flow, #"{"data":{}}"#, ["x-request-id": "r1"]).status == 200)
            #expect(try await send("POST", flow, #"{"data":{}}"#, ["x-request-id": "r1"]).status == 200)
            let received = await emulator.received()
            #expect(received.map(\.status) == [503, 204, 204, 200, 200])
            #expect(received.map(\.wasExecuted) == [false, true, true, true, false])

            let json = try await send("GET", emulator.url + "/emulator/received?after=2&limit=2")
            let requests = try JSONReader.parse(json.body).fields?["requests"]?.list
            #expect(requests?.compactMap { $0.fields?["number"] } == [.int(3), .int(4)])
        }
    }

    @Test func `events and steps can be posted`() async throws {
        try await withEmulator { emulator, grpc in
            let stream = try await subscribe(grpc, "/data/ChangeEvents", try await signIn(emulator), .earliest)
            let change = #"{"entity":"Account","change":"delete","ids":["001"]}"#
            #expect(try await send("POST", emulator.url + "/emulator/publish", change).status == 204)
            #expect(try await next(stream).events.count == 1)
            #expect(try await send("POST", emulator.url + "/emulator/step", #"{"feed":1}"#).status == 204)
            #expect(try await next(stream).events.count == 1)
            let wrong = try await send("POST", emulator.url + "/emulator/step", #"{"fault":"fire"}"#)
            #expect(wrong.status == 400)
            #expect(String(decoding: wrong.body, as: UTF8.self).contains("goaway"))
        }
    }

    @Test func `a publish stream answers each request`() async throws {
        try await withEmulator { emulator, grpc in
            let stream = try await grpc.open(path: PubSubMethod.publishStream, metadata: try await signIn(emulator))
            let event = ProducerEvent(id: "a", schemaID: SalesforceSchemas.orderReady.id, payload: [1])
            for _ in 0..<3 {
                let request = PublishRequest(topicName: "/event/Order_Ready__e", events: [event, event])
                try await stream.send(request.encode())
                let answer = try PublishResponse(decoding: try #require(try await stream.next()))
                #expect(answer.results.count == 2)
            }
            await stream.finishSending()
            #expect(try await stream.next() == nil)
        }
    }

    @Test func `a script runs from the start, and its end can be awaited`() async throws {
        let path = "/tmp/sluice-emulator-\(UInt64.random(in: 0 ... .max)).yaml"
        let script = "- target: {path: /hooks/a, status: 500}\n- publish: {entity: Account, ids: a}\n- feed: 9\n"
        try Data(script.utf8).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        var options = EmulatorOptions()
        options.script = path
        try await withEmulator(options) { emulator, grpc in
            try await emulator.scriptEnd()
            #expect(try await send("POST", emulator.url + "/hooks/a").status == 500)
            let stream = try await subscribe(grpc, "/data/ChangeEvents", try await signIn(emulator), .earliest)
            #expect(try await next(stream).events.count >= 10)
        }
    }

    @Test func `stopping again and again under connecting clients is clean`() async throws {
        for _ in 0..<10 {
            let emulator = try await EmulatorServer.start(EmulatorOptions(), logger: Logger(label: "test"))
            let clients = (0..<8).map { index in
                Task {
                    let grpc = GRPCConnection(
                        endpoint: GRPCEndpoint(host: "127.0.0.1", port: emulator.grpcPort, plaintext: true))
                    _ = try? await grpc.unary(path: PubSubMethod.getTopic, message: [], deadline: .seconds(5))
                    _ = try? await send("POST", emulator.url + "/hooks/\(index)")
                    await grpc.close()
                }
            }
            await Task.yield()
            await emulator.stop()
            for client in clients { await client.value }
        }
    }

    @Test func `the feed runs at its rate`() async throws {
        var options = EmulatorOptions()
        options.rate = 2000
        try await withEmulator(options) { emulator, grpc in
            let stream = try await subscribe(grpc, "/data/ChangeEvents", try await signIn(emulator), .earliest)
            var count = 0
            while count < 50 { count += try await next(stream).events.count }
        }
    }

    @Test func `a taken port is one clear error`() async throws {
        try await withEmulator { emulator, _ in
            for path in [\EmulatorOptions.httpPort, \EmulatorOptions.grpcPort] {
                var options = EmulatorOptions()
                options[keyPath: path] = path == \.httpPort ? emulator.httpPort : emulator.grpcPort
                await #expect(throws: EmulatorError.self) {
                    let second = try await EmulatorServer.start(options, logger: Logger(label: "test"))
                    await second.stop()
                }
            }
        }
    }
}

extension EmulatorServerTests {
    private func withEmulator(
        _ options: EmulatorOptions = EmulatorOptions(),
        _ body: (EmulatorHandle, GRPCConnection) async throws -> Void
    ) async throws {
        let emulator = try await EmulatorServer.start(options, logger: Logger(label: "test"))
        let grpc = GRPCConnection(
            endpoint: GRPCEndpoint(host: "127.0.0.1", port: emulator.grpcPort, plaintext: true))
        let result = await Result { try await body(emulator, grpc) }
        await grpc.close()
        await emulator.stop()
        try result.get()
    }

    private func signIn(_ emulator: EmulatorHandle) async throws -> GRPCMetadata {
        let form =
            "grant_type=client_credentials&client_id=\(EmulatorDefaults.clientID)"
            + "&client_secret=\(EmulatorDefaults.clientSecret)"
        let answer = try await send(
            "POST", emulator.url + "/services/oauth2/token", form,
            ["content-type": "application/x-www-form-urlencoded"])
        let body = try #require(JSONReader.parse(answer.body).fields)
        return GRPCMetadata([
            ("accesstoken", body["access_token"]?.text ?? ""), ("instanceurl", body["instance_url"]?.text ?? ""),
            ("tenantid", EmulatorDefaults.organizationID),
        ])
    }

    private func subscribe(
        _ grpc: GRPCConnection, _ topic: String, _ metadata: GRPCMetadata, _ preset: ReplayPreset, count: Int32 = 100
    ) async throws -> GRPCStream {
        let stream = try await grpc.open(path: PubSubMethod.subscribe, metadata: metadata)
        let request = FetchRequest(topicName: topic, replayPreset: preset, numRequested: count)
        // A refusal may be here before the request is gone; reading the stream then tells it.
        try? await stream.send(request.encode())
        return stream
    }

    private func next(_ stream: GRPCStream) async throws -> FetchResponse {
        try FetchResponse(decoding: try #require(try await stream.next()))
    }

    private func send(
        _ method: String, _ url: String, _ body: String = "",
        _ headers: [String: String] = ["content-type": "application/json"]
    ) async throws -> HTTPResponse {
        var request = HTTPRequest(method: method, url: url)
        var headers = headers
        if headers["content-type"] == nil { headers["content-type"] = "application/json" }
        for (name, value) in headers { request.headers.append(.init(name, value)) }
        request.body = Array(body.utf8)
        return try await http.send(request)
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
