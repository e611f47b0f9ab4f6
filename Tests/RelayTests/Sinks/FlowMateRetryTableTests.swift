import Curl
import Events
import FlowMate
import Rules
import Testing

@testable import Relay

/// Every row of FlowMate's retry table, through the sink as the relay runs it: what is called, and what becomes of the
/// delivery.
@Suite struct FlowMateRetryTableTests {
    struct Row: Sendable, CustomTestStringConvertible {
        /// The row, in words.
        var name: String
        /// What FlowMate answers, call after call.
        var answers: [FakeHTTP.Answer]
        /// `delivered`, `retry 17`, `hold target 600`, `park`; a length of `-` is the back-off's.
        var expected: String
        /// Method and path of each call.
        var calls: [String] = ["POST webhook"]
        var possibleDuplicate = false

        var testDescription: String { name }
    }

    static let flow = "6762e154616e91cb8d8b1aaf"

    private static func status(_ status: Int, _ body: String = "", retryAfter: String? = nil)
        -> FakeHTTP.Answer
    {
        let headers = retryAfter.map { [HTTPRequest.Header("Retry-After", $0)] } ?? []
        return .success(HTTPResponse(status: status, headers: headers, body: Array(body.utf8)))
    }

    private static func failure(_ kind: TransportError.Kind, sent: Bool = false) -> FakeHTTP.Answer {
        .failure(
            TransportError(
                kind: kind, target: "https://fm.example:443", reason: "x", mayHaveBeenSent: sent))
    }

    private static func flow(_ state: String) -> FakeHTTP.Answer {
        status(200, #"{"data":{"id":"\#(flow)","name":"n","status":"\#(state)"},"meta":{}}"#)
    }

    private static let receipt = status(
        200, #"{"data":{"requestId":"0123456789abcdef","message":"thank you"}}"#)
    private static let inactive = status(
        404, #"{"error":"Flow x either does not exist or is inactive."}"#)
    private static let unauthorized = status(403, #"{"error":"Unauthorized"}"#)
    private static let asked = ["POST webhook", "GET flow"]
    private static let twice = ["POST webhook", "POST webhook"]

    static let rows: [Row] = [
        Row(name: "2xx with a receipt is delivered", answers: [receipt], expected: "delivered"),
        Row(
            name: "2xx without a receipt is delivered once, and suspicious",
            answers: [status(200, "<html>login</html>")], expected: "delivered"),
        Row(
            name: "3xx is a fault of the configuration: nothing is followed", answers: [status(302)],
            expected: "hold destination -"),
        Row(
            name: "400 parks the event", answers: [status(400, #"{"error":"Unexpected token"}"#)],
            expected: "park"),
        Row(name: "413 parks the event", answers: [status(413)], expected: "park"),
        Row(name: "415 parks the event", answers: [status(415)], expected: "park"),
        Row(name: "422 parks the event", answers: [status(422)], expected: "park"),
        Row(
            name: "401 takes the credential along once, then holds the whole destination",
            answers: [status(401), status(401)], expected: "hold destination -", calls: twice),
        Row(
            name: "401 that the credential mends is delivered", answers: [status(401), receipt],
            expected: "delivered",
            calls: twice),
        Row(
            name: "403 takes the credential along once, then holds the flow for ten minutes",
            answers: [unauthorized, unauthorized], expected: "hold target 600", calls: twice),
        Row(
            name: "404 of an active flow is tried again: its webhook comes up",
            answers: [inactive, flow("active")],
            expected: "retry -", calls: asked),
        Row(
            name: "404 of a starting flow waits", answers: [inactive, flow("starting")],
            expected: "hold target 15",
            calls: asked),
        Row(
            name: "404 of an inactive flow holds it", answers: [inactive, flow("inactive")],
            expected: "hold target -",
            calls: asked),
        Row(
            name: "404 of a stopping flow holds it", answers: [inactive, flow("stopping")],
            expected: "hold target -",
            calls: asked),
        Row(
            name: "404 of a flow that is gone parks the event",
            answers: [inactive, status(404, #"{"errors":[{"message":"No flow found","code":404}]}"#)],
            expected: "park",
            calls: asked),
        Row(
            name: "404 while the flow cannot be read holds it", answers: [inactive, status(503)],
            expected: "hold target -", calls: asked),
        Row(
            name: "404 for another reason holds the flow",
            answers: [status(404, #"{"error":"Flow has no first node"}"#)], expected: "hold target 600"),
        Row(name: "405 parks the event", answers: [status(405)], expected: "park"),
        Row(name: "409 parks the event", answers: [status(409)], expected: "park"),
        Row(name: "410 parks the event", answers: [status(410)], expected: "park"),
        Row(name: "408 is tried again", answers: [status(408)], expected: "retry -"),
        Row(
            name: "408 with Retry-After waits so long", answers: [status(408, retryAfter: "7")],
            expected: "retry 7"),
        Row(name: "425 is tried again", answers: [status(425)], expected: "retry -"),
        Row(
            name: "429 slows the whole destination, as long as it asks",
            answers: [status(429, retryAfter: "17")],
            expected: "hold destination 17"),
        Row(
            name: "429 with a date waits until then",
            answers: [status(429, retryAfter: "Fri, 15 Jan 2027 08:00:40 GMT")],
            expected: "hold destination 40"),
        Row(
            name: "429 without Retry-After waits a while", answers: [status(429)],
            expected: "hold destination 30"),
        Row(
            name: "500 for an ID that is none is permanent",
            answers: [status(500, #"{"error":"Cast to ObjectId failed"}"#)],
            expected: "park"),
        Row(
            name: "500 for an Origin is permanent",
            answers: [status(500, #"{"error":"Not allowed by CORS"}"#)],
            expected: "park"),
        Row(
            name: "500 otherwise is tried again", answers: [status(500, #"{"error":"boom"}"#)],
            expected: "retry -"),
        Row(name: "502 is tried again", answers: [status(502, "<html>")], expected: "retry -"),
        Row(name: "503 is tried again", answers: [status(503, retryAfter: "9")], expected: "retry 9"),
        Row(name: "504 is tried again", answers: [status(504)], expected: "retry -"),
        Row(
            name: "connection refused is tried again", answers: [failure(.connect)], expected: "retry -"),
        Row(
            name: "a name that is not resolved is tried again", answers: [failure(.resolve)],
            expected: "retry -"),
        Row(name: "a failed handshake is tried again", answers: [failure(.tls)], expected: "retry -"),
        Row(
            name: "a certificate that is wrong alarms: the destination is held",
            answers: [failure(.certificate)],
            expected: "hold destination -"),
        Row(
            name: "a timeout after sending is unknown: the same request ID again",
            answers: [failure(.timeout, sent: true)],
            expected: "retry -", possibleDuplicate: true),
        Row(
            name: "a reset after sending is unknown: the same request ID again",
            answers: [failure(.reset, sent: true)],
            expected: "retry -", possibleDuplicate: true),
    ]

    @Test(arguments: rows) func `each row of the retry table`(_ row: Row) async throws {
        let http = FakeHTTP(answers: row.answers)
        var destination = Destination(name: "fm", kind: .flowmate, url: "https://fm.example")
        destination.auth = .bearer(.env("T"))
        let factory = SinkFactory(
            environment: .test(http, environment: ["T": "token-1"]), journal: MemoryJournal(),
            outcomes: RecordedOutcomes())
        let sink = try #require(factory.make(destination).ready?.sink)
        let delivery = Delivery.make(to: .flow(id: Self.flow))
        let outcome = await sink.attempt(delivery, number: 1)
        #expect(outcome.retryShort == row.expected)
        #expect(outcome.note.possibleDuplicate == row.possibleDuplicate)
        #expect(http.requests.map(Self.call) == row.calls)
        let ids = Set(
            http.requests.flatMap(\.headers).filter { $0.name == "x-request-id" }.map(\.value))
        #expect(ids == [FlowMateRequestID.make(flow: Self.flow, delivery: delivery.id)])
        if case .hold = outcome { #expect(!outcome.note.reason.isEmpty) }
    }

    private static func call(_ request: HTTPRequest) -> String {
        let place =
            switch request.url {
            case "https://fm.example/webhooks/\(flow)": "webhook"
            case "https://fm.example/flows/\(flow)": "flow"
            default: request.url
            }
        return "\(request.method) \(place)"
    }
}

extension AttemptOutcome {
    /// `retry 17`, `hold target -`
    var retryShort: String {
        if case .retry(_, let after) = self {
            return "retry \(after.map { "\($0.components.seconds)" } ?? "-")"
        }
        return short
    }
}
