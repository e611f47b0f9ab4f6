import Curl
import Testing

@testable import FlowMate

@Suite struct FlowMateOutcomeTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var status: Int
        var body: String
        var action: FlowMateOutcome.Action

        var testDescription: String { "\(status) \(name)" }
    }

    static let receipt = #"{"data":{"requestId":"0123456789abcdef0123456789abcdef","message":"thank you"}}"#
    static let inactive = #"{"error":"Flow 64b000000000000000000001 either does not exist or is inactive."}"#

    static let rows: [Row] = [
        Row(
            name: "with a receipt", status: 200, body: receipt,
            action: .delivered(requestID: "0123456789abcdef0123456789abcdef")),
        Row(name: "without a receipt", status: 200, body: "<html>login</html>", action: .delivered(requestID: nil)),
        Row(name: "no body", status: 204, body: "", action: .delivered(requestID: nil)),
        Row(name: "redirect", status: 302, body: "", action: .holdDestination),
        Row(name: "redirect", status: 308, body: "", action: .holdDestination),
        Row(name: "bad JSON", status: 400, body: #"{"error":"Unexpected token"}"#, action: .park),
        Row(name: "credential", status: 401, body: #"{"message":"x"}"#, action: .credential),
        Row(name: "authorization", status: 403, body: #"{"error":"Unauthorized"}"#, action: .holdFlow),
        Row(name: "inactive", status: 404, body: inactive, action: .askFlow),
        Row(name: "no first node", status: 404, body: #"{"error":"Flow has no first node"}"#, action: .holdFlow),
        Row(name: "gateway", status: 404, body: "<html></html>", action: .holdFlow),
        Row(name: "method", status: 405, body: "", action: .park),
        Row(name: "conflict", status: 409, body: "", action: .park),
        Row(name: "gone", status: 410, body: "", action: .park),
        Row(name: "request timeout", status: 408, body: "", action: .retry),
        Row(name: "too early", status: 425, body: "", action: .retry),
        Row(name: "too large", status: 413, body: #"{"error":"request entity too large"}"#, action: .park),
        Row(name: "content type", status: 415, body: "", action: .park),
        Row(name: "content", status: 422, body: "", action: .park),
        Row(name: "too many", status: 429, body: "", action: .slowDown),
        Row(name: "bad ID", status: 500, body: #"{"error":"Cast to ObjectId failed for x"}"#, action: .park),
        Row(name: "CORS", status: 500, body: #"{"error":"Not allowed by CORS"}"#, action: .park),
        Row(name: "other", status: 500, body: #"{"error":"boom"}"#, action: .retry),
        Row(name: "gateway", status: 502, body: "<html></html>", action: .retry),
        Row(name: "unavailable", status: 503, body: "", action: .retry),
        Row(name: "gateway timeout", status: 504, body: "", action: .retry),
        Row(name: "teapot", status: 418, body: "", action: .park),
    ]

    @Test(arguments: rows) func `each row of the table has its action`(_ row: Row) {
        let response = HTTPResponse(status: row.status, body: Array(row.body.utf8))
        #expect(FlowMateOutcome.judge(response).action == row.action)
    }

    @Test func `what FlowMate says is part of the reason, without control characters`() {
        let response = HTTPResponse(status: 400, body: Array(#"{"error":"Unexpected\u0007 token"}"#.utf8))
        #expect(FlowMateOutcome.judge(response).reason == "FlowMate cannot read the body: Unexpected token")
    }

    @Test(arguments: [
        (TransportError.Kind.resolve, FlowMateOutcome.Action.retry), (.connect, .retry), (.proxy, .retry),
        (.tls, .retry), (.certificate, .holdDestination), (.localFile, .holdDestination), (.badURL, .holdDestination),
        (.timeout, .retry), (.reset, .retry), (.other, .retry),
    ])
    func `each transport failure has its action`(_ kind: TransportError.Kind, _ action: FlowMateOutcome.Action) {
        let error = TransportError(kind: kind, target: "https://h:443", reason: "x", mayHaveBeenSent: false)
        #expect(FlowMateOutcome.judge(error).action == action)
        #expect(!FlowMateOutcome.judge(error).unknown)
    }

    @Test(arguments: [TransportError.Kind.timeout, .reset])
    func `a break after sending leaves the outcome unknown`(_ kind: TransportError.Kind) {
        let error = TransportError(kind: kind, target: "https://h:443", reason: "x", mayHaveBeenSent: true)
        #expect(FlowMateOutcome.judge(error).unknown)
    }

    @Test func `all four shapes of an error are read`() {
        let shapes = [
            #"{"errors":[{"message":"a","code":1},{"message":"b"}]}"#: "a; b",
            #"{"errors":"Invalid id"}"#: "Invalid id",
            #"{"error":"c"}"#: "c", #"{"message":"FORBIDDEN"}"#: "FORBIDDEN", "<html>": "",
        ]
        for (body, text) in shapes {
            #expect(FlowMateError.text(of: HTTPResponse(status: 400, body: Array(body.utf8))) == text)
        }
    }
}
