import Testing

@testable import Salesforce

@Suite struct ErrorCodeTests {
    @Test(arguments: [
        "service.unavailable", "service.protection.stream.limit.triggered", "service.protection.triggered",
        "concurrent.client.limit.exceeded", "topic.api.unavailable", "schema.api.unavailable",
        "subscription.fetch.replay.repeated", "subscription.internal.error",
    ])
    func `what passes is tried again`(code: String) {
        guard case .reconnect = ErrorCode.reaction(to: ErrorCode.prefix + code) else {
            Issue.record("\(code) is not reconnected")
            return
        }
    }

    @Test(arguments: [
        "service.auth.headers.invalid", "service.tenant.license", "topic.not.found", "topic.meta.permission",
        "schema.meta.permission", "subscription.topic.cannot.subscribe", "subscription.fetch.topic.mismatch",
        "subscription.fetch.requested.events.invalid", "subscription.fetch.request.invalid", "topic.validation.empty",
        "schema.validation.failed", "service.auth.refresh.invalid",
    ])
    func `what only a person can mend stops the topic and says how`(code: String) {
        guard case .stopTopic(let fix) = ErrorCode.reaction(to: ErrorCode.prefix + code) else {
            Issue.record("\(code) does not stop")
            return
        }
        #expect(!fix.isEmpty)
    }

    @Test func `a refused session is renewed, a refused replay ID is never repeated`() {
        #expect(ErrorCode.reaction(to: ErrorCode.prefix + "service.auth.error") == .renewSession)
        #expect(ErrorCode.reaction(to: "subscription.fetch.replayid.corrupted") == .replayInvalid)
        #expect(ErrorCode.reaction(to: "subscription.fetch.replayid.validation.failed") == .replayInvalid)
    }

    @Test func `the service and the allocation get the time they need`() {
        #expect(ErrorCode.reaction(to: "service.unavailable") == .reconnect(minimum: .seconds(5)))
        #expect(ErrorCode.reaction(to: "subscription.limit.exceeded") == .awaitAllocation)
        #expect(ErrorCode.allocationWait == .seconds(600))
    }

    @Test func `an unknown code is left to the gRPC status`() {
        #expect(ErrorCode.reaction(to: "sfdc.platform.eventbus.grpc.something.new") == nil)
    }
}
