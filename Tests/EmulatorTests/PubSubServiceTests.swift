import Events
import GRPC
import Logging
import PubSub
import TestSupport
import Testing

@testable import Emulator

/// Behaviour in time, with a clock that only the test moves.
@Suite(.timeLimit(.minutes(15))) struct PubSubServiceTests {
    private let time = ManualTime()
    private let metadata: GRPCMetadata = [
        "accesstoken": "fixed", "instanceurl": "http://127.0.0.1:1", "tenantid": EmulatorDefaults.organizationID,
    ]

    @Test func `a keepalive comes when its time has come`() async throws {
        try await withService { service, grpc in
            let stream = try await subscribe(grpc)
            // The answer to this call proves that the subscription, sent before it, is there.
            try await getTopic(grpc)
            time.advance(by: .seconds(60))
            #expect(try await next(stream).events.isEmpty)
        }
    }

    @Test func `silence holds everything back, then all of it comes at once`() async throws {
        try await withService { service, grpc in
            let stream = try await subscribe(grpc)
            try await getTopic(grpc)
            await service.inject(.silence(.seconds(600)))
            for id in ["001", "002", "003"] {
                try await service.publish([EmulatedChange(entity: "Account", recordIDs: [id])])
            }
            // HTTP/2 and other calls answer all the time.
            try await getTopic(grpc)
            time.advance(by: .seconds(600))
            #expect(try await next(stream).events.count == 3)
        }
    }

    @Test func `an outage refuses calls until it is over`() async throws {
        try await withService { service, grpc in
            await service.inject(.unavailable(.seconds(30)))
            do {
                try await getTopic(grpc)
                Issue.record("the call was answered")
            } catch let error as GRPCError {
                #expect(error.code == .unavailable)
                #expect(error.errorCode == "sfdc.platform.eventbus.grpc.service.unavailable")
            }
            time.advance(by: .seconds(30))
            try await getTopic(grpc)
        }
    }

    @Test func `a managed subscription has one client at a time, whatever connection that is on`() async throws {
        try await withService { service, grpc, other in
            let first = try await manage(grpc)
            try await getTopic(grpc)
            let refused = await (try await manage(other)).failure()
            #expect(refused?.errorCode == "sfdc.platform.eventbus.grpc.managed.subscription.already.active")
            #expect(refused?.trailers["type"] == "ManagedSubscribe")
            #expect(await (try await manage(grpc)).failure()?.errorCode == refused?.errorCode)
            await first.cancel()
            try await getTopic(grpc)
            try await service.publish([EmulatedChange(entity: "Opportunity", recordIDs: ["006"])])
            #expect(try await next(try await manage(other)).events.count == 1)
        }
    }

    @Test func `what was committed is kept when the connection is gone`() async throws {
        try await withService { service, grpc, other in
            for _ in 0..<3 { try await service.publish([EmulatedChange(entity: "Opportunity", recordIDs: ["006"])]) }
            let stream = try await manage(other)
            let events = try await next(stream).events
            let commit = CommitReplayRequest(id: "mine", replayID: events[1].replayID)
            try await stream.send(ManagedFetchRequest(numRequested: 0, commit: commit).encode())
            let answer = try ManagedFetchResponse(decoding: try #require(try await stream.next()))
            #expect(answer.commit?.id == "mine" && answer.commit?.error == nil)
            await service.inject(.disconnect)
            #expect(await stream.failure() != nil)
            #expect(try await next(try await manage(grpc)).events.map(\.replayID) == [events[2].replayID])
        }
    }

    @Test func `an idle publish stream is ended, and one in use is not`() async throws {
        try await withService { _, grpc in
            let stream = try await grpc.open(path: PubSubMethod.publishStream, metadata: metadata)
            let event = ProducerEvent(id: "mine", schemaID: SalesforceSchemas.orderReady.id, payload: [1])
            let request = PublishRequest(topicName: "/event/Order_Ready__e", events: [event])
            for _ in 1...2 {
                try await stream.send(request.encode())
                let response = try PublishResponse(decoding: try #require(try await stream.next()))
                #expect(response.results.map(\.correlationKey) == ["mine"])
                time.advance(by: .seconds(60))
                try await getTopic(grpc)
            }
            time.advance(by: .seconds(11))
            #expect(
                await stream.failure()?.errorCode == "sfdc.platform.eventbus.grpc.publish.stream.sweeper.timeout")
        }
    }

    @Test func `a permission that is lost ends the stream, and one of a channel goes on without`() async throws {
        try await withService { service, grpc in
            let single = try await subscribe(grpc, "/data/OpportunityChangeEvent")
            let channel = try await subscribe(grpc, "/data/Orders__chn")
            try await getTopic(grpc)
            try await service.perform(.permission(entity: "Opportunity", isGiven: false))
            #expect(
                await single.failure()?.errorCode
                    == "sfdc.platform.eventbus.grpc.subscription.topic.cannot.subscribe")
            try await service.publish([
                EmulatedChange(entity: "Opportunity", recordIDs: ["006"]),
                EmulatedChange(entity: "sfy24__ProductionOrder__c", recordIDs: ["a0B"]),
            ])
            let events = try await next(channel).events
            #expect(events.map(\.schemaID) == [SalesforceSchemas.productionOrder.id])
        }
    }

    @Test func `the delivery limit ends every stream that has something to get`() async throws {
        try await withService { service, grpc in
            let limits: [LimitEdit] = [.init(name: .deliveredEvents, maximum: 100, remaining: 2)]
            try await service.perform(.limits(limits))
            let stream = try await subscribe(grpc)
            for _ in 0..<3 { try await service.publish([EmulatedChange(entity: "Account", recordIDs: ["001"])]) }
            var got = 0
            while let response = try? await next(stream) { got += response.events.count }
            #expect(got == 2)
            let again = await (try await subscribe(grpc)).failure()
            #expect(again?.errorCode == "sfdc.platform.eventbus.grpc.subscription.limit.exceeded")
        }
    }

    private func withService(_ body: (PubSubService, GRPCConnection) async throws -> Void) async throws {
        try await withService { service, grpc, _ in try await body(service, grpc) }
    }

    /// With a second client beside the first.
    private func withService(
        _ body: (PubSubService, GRPCConnection, GRPCConnection) async throws -> Void
    ) async throws {
        var access = OrgAccess(
            clientID: "id", clientSecret: "secret", organizationID: EmulatorDefaults.organizationID,
            fixedToken: "fixed")
        access.instanceURL = "http://127.0.0.1:1"
        let service = PubSubService(
            org: EmulatedOrg(access: access, seed: 1, now: time.source.wall(), forbidden: []), limits: .init(),
            clock: time.source, logger: Logger(label: "test"))
        let listener = try await PubSubListener.bind(port: 0, service: service)
        let clients = (1...2).map { _ in
            GRPCConnection(endpoint: GRPCEndpoint(host: "127.0.0.1", port: listener.port, plaintext: true))
        }
        var failure: (any Error)?
        do { try await body(service, clients[0], clients[1]) } catch { failure = error }
        for client in clients { await client.close() }
        await listener.stop()
        await service.stop()
        if let failure { throw failure }
    }

    private func manage(_ grpc: GRPCConnection) async throws -> GRPCStream {
        let stream = try await grpc.open(path: PubSubMethod.managedSubscribe, metadata: metadata)
        let name = EmulatorDefaults.managedSubscription
        try await stream.send(ManagedFetchRequest(developerName: name, numRequested: 10).encode())
        return stream
    }

    private func subscribe(
        _ grpc: GRPCConnection, _ topic: String = "/data/ChangeEvents"
    ) async throws -> GRPCStream {
        let stream = try await grpc.open(path: PubSubMethod.subscribe, metadata: metadata)
        let request = FetchRequest(topicName: topic, replayPreset: .earliest, numRequested: 10)
        try await stream.send(request.encode())
        return stream
    }

    private func getTopic(_ grpc: GRPCConnection) async throws {
        _ = try await grpc.unary(
            path: PubSubMethod.getTopic, message: TopicRequest(topicName: "/data/ChangeEvents").encode(),
            metadata: metadata, deadline: .seconds(20))
    }

    private func next(_ stream: GRPCStream) async throws -> FetchResponse {
        try FetchResponse(decoding: try #require(try await stream.next()))
    }
}
