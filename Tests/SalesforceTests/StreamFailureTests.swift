import Testing

@testable import GRPC
@testable import Salesforce

@Suite struct StreamFailureTests {
    @Test(arguments: [(403, Duration.seconds(60)), (404, .seconds(60)), (500, .seconds(5)), (502, .zero)])
    func `what a proxy answers in place of the service stops no topic`(status: Int, wait: Duration) {
        let failure = StreamFailure(GRPCError.http(status: status, contentType: "text/html"))
        #expect(failure.reaction == .reconnect(minimum: wait))
        #expect(failure.reason.contains("\(status)"))
    }

    @Test(arguments: [7, 5, 12, 3])
    func `the same from the service itself is final`(status: Int) {
        var error = GRPCError(GRPCStatus.Code(rawValue: status)!, "no", origin: .peer)
        error.trailers = ["grpc-status": "\(status)"]
        guard case .stopTopic = StreamFailure(error).reaction else {
            Issue.record("status \(status) does not stop the topic")
            return
        }
        #expect(StreamFailure(error).mayBeProxys == [7, 12].contains(status))
        error.trailers = ["grpc-status": "\(status)", "error-code": ErrorCode.prefix + "topic.not.found"]
        #expect(!StreamFailure(error).mayBeProxys)
    }

    @Test func `an answer that we cannot read is tried again`() {
        let error = GRPCError(.unimplemented, "received a compressed message", origin: .us)
        #expect(StreamFailure(error).reaction == .reconnect(minimum: ErrorCode.serviceWait))
        let ended = GRPCError(.failedPrecondition, "the server has ended the RPC", origin: .us)
        #expect(StreamFailure(ended).reaction == .reconnect(minimum: ErrorCode.serviceWait))
    }

    @Test func `the error-code decides before everything else`() {
        var error = GRPCError(.unknown, "no", origin: .peer)
        error.trailers = ["error-code": ErrorCode.prefix + "service.auth.error"]
        #expect(StreamFailure(error).reaction == .renewSession)
    }

    @Test(arguments: [
        ("topic.not.found", "/data/AChangeEvent", "there is no topic /data/AChangeEvent: topic.not.found", "Data Capture"),
        ("topic.not.found", "/event/Nope__e", "there is no topic /event/Nope__e: topic.not.found", "__e"),
        ("topic.meta.permission", "/event/A__e", "the topic /event/A__e is refused: topic.meta.permission", "Run As"),
        (
            "managed.subscription.subscription.id.invalid", "/event/A__e",
            "managed.subscription.subscription.id.invalid", "managed"
        ),
    ])
    func `a topic that is refused is named`(code: String, topic: String, reason: String, fix: String) {
        var error = GRPCError(.notFound, "no", origin: .peer)
        error.trailers = ["error-code": ErrorCode.prefix + code, "grpc-status": "5"]
        let failure = StreamFailure(error).about(topic: topic)
        #expect(failure.reason.hasPrefix(reason))
        guard case .stopTopic(let said) = failure.reaction else {
            Issue.record("\(code) does not stop the topic")
            return
        }
        #expect(said.contains(fix))
    }
}
