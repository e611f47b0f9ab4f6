import Curl
import Events
import Testing

@testable import FlowMate

@Suite struct FlowMateRequestTests {
    static let flow = "6762e154616e91cb8d8b1aaf"

    @Test func `a request ID has 32 lower-case hex digits and repeats`() {
        let id = FlowMateRequestID.make(flow: Self.flow, delivery: "sl_1")
        #expect(id.utf8.count == 32)
        #expect(id.allSatisfy { "0123456789abcdef".contains($0) })
        #expect(id == FlowMateRequestID.make(flow: Self.flow, delivery: "sl_1", redrive: 0))
    }

    @Test func `flow, delivery and re-drive each change the request ID`() {
        let ids = [
            FlowMateRequestID.make(flow: Self.flow, delivery: "sl_1"),
            FlowMateRequestID.make(flow: "000000000000000000000001", delivery: "sl_1"),
            FlowMateRequestID.make(flow: Self.flow, delivery: "sl_2"),
            FlowMateRequestID.make(flow: Self.flow, delivery: "sl_1", redrive: 1),
            FlowMateRequestID.make(flow: Self.flow + "s", delivery: "l_1"),
        ]
        #expect(Set(ids).count == ids.count)
    }

    private func webhook() -> FlowMateWebhook {
        var settings = FlowMateSettings(baseURL: "https://fm.example")
        settings.credential = Secret("Bearer top-secret")
        return FlowMateWebhook(settings: settings)
    }

    @Test func `a webhook call has the exact content type, the request ID and no credential`() throws {
        let request = try webhook().request(
            flow: Self.flow, requestID: "r", body: [1], headers: [], withCredential: false)
        #expect(request.method == "POST")
        #expect(request.url == "https://fm.example/webhooks/\(Self.flow)")
        #expect(request.headers.contains(HTTPRequest.Header("Content-Type", "application/json")))
        #expect(request.headers.contains(HTTPRequest.Header("x-request-id", "r")))
        #expect(!request.headers.contains { $0.value.contains("top-secret") })
        #expect(!request.headers.contains { $0.name.lowercased() == "origin" })
    }

    @Test func `the credential goes along where it is asked for`() throws {
        let request = try webhook().request(
            flow: Self.flow, requestID: "r", body: [], headers: [], withCredential: true)
        #expect(request.headers.contains(HTTPRequest.Header("Authorization", "Bearer top-secret")))
    }

    @Test(arguments: [
        "", "6762e154616e91cb8d8b1aa", "6762e154616e91cb8d8b1aaf0", "6762e154616e91cb8d8b1aag", "../../x",
    ])
    func `a flow ID that is none is refused before it is sent`(_ id: String) {
        #expect(throws: FlowMateWebhook.Refusal.flowID(id)) {
            try webhook().request(flow: id, requestID: "r", body: [], headers: [], withCredential: false)
        }
    }

    @Test func `a body above 10 MiB is refused before it is sent`() throws {
        let fits = [UInt8](repeating: 0x20, count: FlowMateWebhook.maximumBodyBytes)
        _ = try webhook().request(flow: Self.flow, requestID: "r", body: fits, headers: [], withCredential: false)
        #expect(throws: FlowMateWebhook.Refusal.tooLarge(bytes: fits.count + 1)) {
            try webhook().request(
                flow: Self.flow, requestID: "r", body: fits + [0x20], headers: [], withCredential: false)
        }
    }

    @Test func `the echo decides whether retries run at most once`() {
        var echo = FlowMateEcho.untested
        echo.learn(sent: "a", echoed: "a")
        #expect(echo == .idempotent)
        echo.learn(sent: "b", echoed: "other")
        #expect(echo == .notIdempotent)
        echo.learn(sent: "c", echoed: nil)
        #expect(echo == .noReceipt)
    }

    @Test func `the state of a flow decides what becomes of its deliveries`() {
        func state(_ status: String, cron: String? = nil, missing: Duration = .zero) -> String {
            switch FlowState.judge(FlowMateFlow(id: Self.flow, status: status, cron: cron), missing: missing) {
            case .retry: "retry"
            case .hold(_, let length): "hold \(length.map { "\($0.components.seconds)" } ?? "-")"
            case .park: "park"
            }
        }
        #expect(state("active") == "retry")
        #expect(state("active", missing: .seconds(299)) == "retry")
        #expect(state("active", missing: FlowState.startUp) == "hold 600")
        #expect(state("active", cron: "*/5 * * * *") == "hold -")
        #expect(state("active", cron: "") == "retry")
        #expect(state("starting") == "hold 15")
        #expect(state("inactive") == "hold -")
        #expect(state("stopping") == "hold -")
        guard case .park = FlowState.judge(nil, missing: .zero) else {
            Issue.record("a flow that does not exist parks its deliveries")
            return
        }
    }
}
