import Curl
import Events
import TestSupport
import Testing

@testable import SalesforceREST

@Suite struct CollectionWriterTests {
    private typealias Outcome = CollectionWriter.Outcome

    /// Answers with one item for each record of a request, made of the record and the number of the request.
    private static func org(_ item: @escaping @Sendable (Int, Fields) -> String) -> TestOrg {
        let steps = Steps()
        return TestOrg { request throws(TransportError) in
            let number = steps.next()
            let body = try? JSONReader.parse(request.body)
            let items = (body?.list("records") ?? []).map { item(number, $0.fields ?? [:]) }
            if items.contains("lost") {
                throw TransportError(kind: .reset, target: "https://a:443", reason: "reset", mayHaveBeenSent: true)
            }
            if items.contains("refused") { return refusal(400, "JSON_PARSER_ERROR", "no") }
            return json("[\(items.joined(separator: ","))]")
        }
    }

    private static func done(_ fields: Fields) -> String {
        #"{"id":"\#(fields["n"]?.text ?? "")","success":true,"errors":[]}"#
    }

    private static func failed(_ code: String) -> String {
        #"{"success":false,"errors":[{"statusCode":"\#(code)","message":"m","fields":[]}]}"#
    }

    private static func records(_ count: Int) -> [Fields] { (0..<count).map { ["n": .string("\($0)")] } }

    private static func write(
        _ org: TestOrg, _ records: [Fields], allOrNone: Bool = false
    ) async -> (outcomes: [Outcome], ended: RESTError?) {
        var outcomes: [Outcome] = []
        let writer = CollectionWriter(org.client, .create("Account"), allOrNone: allOrNone)
        let ended = await writer.write(records) { outcomes += $0 }
        return (outcomes, ended)
    }

    private static func saved(_ number: Int) -> Outcome { .done(.init(id: "\(number)", isCreated: false)) }

    @Test func `200 go into a call, and outcomes come in order`() async {
        let org = Self.org { _, fields in Self.done(fields) }
        let (outcomes, ended) = await Self.write(org, Self.records(401))
        #expect(ended == nil && outcomes == (0..<401).map(Self.saved))
        #expect(org.calls.count == 3)
    }

    @Test func `a lost answer leaves its records unknown, and the rest unsent`() async {
        let org = Self.org { number, fields in number == 2 ? "lost" : Self.done(fields) }
        let (outcomes, ended) = await Self.write(org, Self.records(500))
        #expect(ended?.kind == .unreachable && org.calls.count == 2, "never sent again")
        #expect(outcomes.prefix(200).allSatisfy { if case .done = $0 { true } else { false } })
        #expect(outcomes[200..<400].allSatisfy { if case .unknown = $0 { true } else { false } })
        #expect(outcomes.suffix(100).allSatisfy { $0 == .unsent } && outcomes.count == 500)
    }

    @Test func `a refused call fails its records, and the rest is not sent`() async {
        let org = Self.org { _, _ in "refused" }
        let (outcomes, ended) = await Self.write(org, Self.records(300))
        #expect(ended?.code == "JSON_PARSER_ERROR" && org.calls.count == 1)
        #expect(outcomes.prefix(200).allSatisfy { if case .failed = $0 { true } else { false } })
        #expect(outcomes.suffix(100).allSatisfy { $0 == .unsent })
    }

    @Test func `who stops is told of what was sent, and that the rest was not`() async {
        let org = Self.org { _, fields in Self.done(fields) }
        var outcomes: [Outcome] = []
        let ended = await CollectionWriter(org.client, .create("Account")).write(
            Self.records(500), isStopped: { !outcomes.isEmpty }, told: { outcomes += $0 })
        #expect(ended?.kind == .cancelled && org.calls.count == 1)
        #expect(outcomes == (0..<200).map(Self.saved) + [Outcome](repeating: .unsent, count: 300))
    }

    @Test func `locked records alone are sent again, and not for ever`() async {
        let org = Self.org { number, fields in
            let isLocked = fields["n"] == .string("1") ? number < 3 : fields["n"] == .string("2")
            return isLocked ? Self.failed("UNABLE_TO_LOCK_ROW") : Self.done(fields)
        }
        let (outcomes, ended) = await Self.write(org, Self.records(3))
        #expect(ended == nil && outcomes[0] == Self.saved(0) && outcomes[1] == Self.saved(1))
        guard case .failed(let error) = outcomes[2] else { return #expect(Bool(false), "it stays locked") }
        #expect(error.kind == .rowLocked && org.calls.count == RESTRetry.maximumAttempts)
        #expect(org.http.requests[1].body.count < org.http.requests[0].body.count)
    }

    @Test func `what a second call loses is unknown, and the first one's results stand`() async {
        let org = Self.org { number, fields in
            if number == 2 { return "lost" }
            return fields["n"] == .string("1") ? Self.failed("UNABLE_TO_LOCK_ROW") : Self.done(fields)
        }
        let (outcomes, _) = await Self.write(org, Self.records(2))
        guard case .unknown = outcomes[1] else { return #expect(Bool(false), "not known") }
        #expect(outcomes[0] == Self.saved(0))
    }

    @Test func `all or none is sent again whole if only locks stood in the way`() async {
        let org = Self.org { number, fields in
            guard number == 1 else { return Self.done(fields) }
            return Self.failed(
                fields["n"] == .string("1") ? "UNABLE_TO_LOCK_ROW" : "ALL_OR_NONE_OPERATION_ROLLED_BACK")
        }
        let (outcomes, _) = await Self.write(org, Self.records(3), allOrNone: true)
        #expect(outcomes == (0..<3).map(Self.saved) && org.calls.count == 2)

        let spoilt = Self.org { _, fields in
            Self.failed(fields["n"] == .string("1") ? "UNABLE_TO_LOCK_ROW" : "REQUIRED_FIELD_MISSING")
        }
        let (failures, _) = await Self.write(spoilt, Self.records(2), allOrNone: true)
        #expect(spoilt.calls.count == 1 && failures.count == 2)
    }
}
