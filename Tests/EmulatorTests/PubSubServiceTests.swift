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

    private func withService(_ body: (PubSubService, GRPCConnection) async throws -> Void) async throws {
        var access = OrgAccess(
            clientID: "id", clientSecret: "secret", organizationID: EmulatorDefaults.organizationID,
            fixedToken: "fixed")
        access.instanceURL = "http://127.0.0.1:1"
        let service = PubSubService(
            org: EmulatedOrg(access: access, seed: 1, now: time.source.wall(), forbidden: []), limits: .init(),
            clock: time.source, logger: Logger(label: "test"))
        let listener = try await PubSubListener.bind(port: 0, service: service)
        let grpc = GRPCConnection(
            endpoint: GRPCEndpoint(host: "127.0.0.1", port: listener.port, plaintext: true))
        var failure: (any Error)?
        do { try await body(service, grpc) } catch { failure = error }
        await grpc.close()
        await listener.stop()
        await service.stop()
        if let failure { throw failure }
    }

    private func subscribe(_ grpc: GRPCConnection) async throws -> GRPCStream {
        let stream = try await grpc.open(path: PubSubMethod.subscribe, metadata: metadata)
        let request = FetchRequest(topicName: "/data/ChangeEvents", replayPreset: .earliest, numRequested: 10)
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
