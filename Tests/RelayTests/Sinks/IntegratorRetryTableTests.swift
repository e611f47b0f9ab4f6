import Curl
import Events
import IntegratorIO
import Rules
import Synchronization
import Store
import Testing

@testable import Relay

/// Both columns of integrator.io's retry table: a POST to a listener through the sink, and a run of a flow through the
/// runner, against an account that gives one bad answer. One after another: each turns a clock as fast as it can.
@Suite(.serialized) struct IntegratorRetryTableTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var answer: FakeHTTP.Answer
        /// Of a listener's POST: `delivered`, `retry 17`, `hold target -`, `park`.
        var listener: String
        /// Of a run whose POST gets this answer: what is posted again, and after how long at least.
        var run: Run
        var possibleDuplicate = false

        var testDescription: String { name }
    }

    enum Run: Sendable, Equatable {
        /// It ran: nothing else was posted.
        case done
        /// It was taken without a job: looked for in the jobs list, found there, and not posted again.
        case lookedUp
        /// Whether it was taken is not known: looked for in the jobs list, waited for, and posted again.
        case repeated
        /// Posted again after so many seconds at least.
        case again(after: Int64)
    }

    private static func status(_ status: Int, retryAfter: String? = nil, _ body: String = "")
        -> FakeHTTP.Answer
    {
        let headers = retryAfter.map { [HTTPRequest.Header("Retry-After", $0)] } ?? []
        return .success(HTTPResponse(status: status, headers: headers, body: Array(body.utf8)))
    }

    private static func failure(_ kind: TransportError.Kind, sent: Bool = false) -> FakeHTTP.Answer {
        .failure(
            TransportError(kind: kind, target: "https://io:443", reason: "x", mayHaveBeenSent: sent))
    }

    static let rows: [Row] = [
        Row(
            name: "201 with a job is done", answer: status(201, #"{"_jobId":"j0"}"#),
            listener: "delivered", run: .done),
        Row(
            name: "201 with a list of jobs is done", answer: status(201, #"[{"_jobId":"j0"}]"#),
            listener: "delivered",
            run: .done),
        Row(
            name: "2xx without a job is resolved by the jobs list", answer: status(200, "{}"),
            listener: "delivered",
            run: .lookedUp),
        Row(
            name: "204 is delivered for a listener", answer: status(204), listener: "delivered",
            run: .lookedUp),
        Row(
            name: "3xx is a fault of the configuration: it pauses", answer: status(302),
            listener: "hold destination -",
            run: .again(after: 900)),
        Row(
            name: "400 pauses runs, and parks an event", answer: status(400), listener: "park",
            run: .again(after: 900)),
        Row(
            name: "401 pauses the account, and the listener keeps its events", answer: status(401),
            listener: "hold target -", run: .again(after: 900)),
        Row(
            name: "403 pauses, and alarms", answer: status(403), listener: "hold target -",
            run: .again(after: 900)),
        Row(
            name: "404 pauses and looks again, and the listener keeps its events", answer: status(404),
            listener: "hold target -", run: .again(after: 600)),
        Row(name: "405 is permanent", answer: status(405), listener: "park", run: .again(after: 900)),
        Row(
            name: "408 is tried again; of a run it is not known whether it began", answer: status(408),
            listener: "retry -", run: .repeated),
        Row(
            name: "425 is tried again", answer: status(425), listener: "retry -", run: .again(after: 2)),
        Row(
            name: "409 keeps gathering until the run has ended; a listener is tried a few times",
            answer: status(409),
            listener: "retry -", run: .again(after: 5)),
        Row(
            name: "413 is permanent for one record", answer: status(413), listener: "park",
            run: .again(after: 900)),
        Row(name: "415 is permanent", answer: status(415), listener: "park", run: .again(after: 900)),
        Row(
            name: "422 pauses until the configuration changes; an event is parked", answer: status(422),
            listener: "park", run: .again(after: 600)),
        Row(
            name: "429 waits as long as it says, for the whole account",
            answer: status(429, retryAfter: "17"),
            listener: "hold destination 17", run: .again(after: 17)),
        Row(
            name: "500 may have been taken: a run is looked up first", answer: status(500),
            listener: "retry -",
            run: .repeated, possibleDuplicate: true),
        Row(
            name: "502 may have been taken", answer: status(502), listener: "retry -", run: .repeated,
            possibleDuplicate: true),
        Row(
            name: "503 may have been taken", answer: status(503, retryAfter: "9"), listener: "retry 9",
            run: .repeated,
            possibleDuplicate: true),
        Row(
            name: "504 may have been taken", answer: status(504), listener: "retry -", run: .repeated,
            possibleDuplicate: true),
        Row(
            name: "another 5xx may have been taken", answer: status(520), listener: "retry -",
            run: .repeated,
            possibleDuplicate: true),
        Row(
            name: "a name that is not resolved: nothing was sent", answer: failure(.resolve),
            listener: "retry -",
            run: .again(after: 2)),
        Row(
            name: "connection refused: nothing was sent", answer: failure(.connect), listener: "retry -",
            run: .again(after: 2)),
        Row(
            name: "a failed handshake: nothing was sent", answer: failure(.tls), listener: "retry -",
            run: .again(after: 2)),
        Row(
            name: "a certificate that is wrong alarms", answer: failure(.certificate),
            listener: "hold destination -",
            run: .again(after: 900)),
        Row(
            name: "a timeout after sending: never a second run without a look",
            answer: failure(.timeout, sent: true),
            listener: "retry -", run: .repeated, possibleDuplicate: true),
        Row(
            name: "a reset after sending: never a second run without a look",
            answer: failure(.reset, sent: true),
            listener: "retry -", run: .repeated, possibleDuplicate: true),
    ]

    private static let url = "https://io/v1/exports/e/tokentokentoken1/data"

    @Test(arguments: rows) func `each row, as a listener's answer`(_ row: Row) async throws {
        let http = FakeHTTP(answers: [row.answer])
        var destination = Destination(name: "io", kind: .integrator, url: "https://io")
        destination.listeners = [
            "orders": Destination.Listener(
                url: .env("URL"), export: nil, auth: nil, sign: nil, records: nil)
        ]
        let factory = SinkFactory(
            environment: .test(http, environment: ["URL": Self.url]), journal: MemoryJournal(),
            outcomes: RecordedOutcomes())
        let sink = try #require(factory.make(destination).ready?.sink)
        let outcome = await sink.attempt(.make(to: .listener(name: "orders")), number: 1)
        #expect(outcome.retryShort == row.listener)
        #expect(outcome.note.possibleDuplicate == row.possibleDuplicate)
        #expect(http.requests.map { "\($0.method) \($0.url)" } == ["POST \(Self.url)"])
    }

    @Test func `a listener's conflict that lasts parks the event`() async throws {
        let http = FakeHTTP { _ in Self.status(409) }
        var destination = Destination(name: "io", kind: .integrator, url: "https://io")
        destination.listeners = [
            "orders": Destination.Listener(
                url: .env("URL"), export: nil, auth: nil, sign: nil, records: nil)
        ]
        let factory = SinkFactory(
            environment: .test(http, environment: ["URL": Self.url]), journal: MemoryJournal(),
            outcomes: RecordedOutcomes())
        let sink = try #require(factory.make(destination).ready?.sink)
        var progress = DeliveryProgress()
        var random = Jitter(seed: 1)
        // What came before says nothing of conflicts, however much it was.
        var ends: [String] = []
        for number in 1...15 {
            var outcome = await sink.attempt(.make(to: .listener(name: "orders")), number: number)
            if number <= 10 { outcome = .retry(AttemptNote(status: 503, reason: "busy"), after: nil) }
            progress.append(
                AttemptRecord(number: number, at: 0, status: outcome.note.status, reason: outcome.note.reason), startedAt: 0)
            switch RetryPolicy().verdict(
                on: outcome, progress: progress, limits: RetryLimits(), elapsed: 0, random: &random)
            {
            case .wait: ends.append("wait")
            case .dead(.rejected, _): ends.append("dead")
            default: ends.append("?")
            }
        }
        #expect(ends == Array(repeating: "wait", count: 14) + ["dead"])
    }

    // MARK: Runs

    /// An account whose first POST of a run gets the row's answer. Whatever may have been taken was taken.
    private final class Account: Sendable {
        struct State {
            var posts: [Int64] = []
            var jobs: [Int64] = []
            var lists = 0
        }

        let row: Row
        let clock: TurnedClock
        let state = Mutex(State())

        init(_ row: Row, _ clock: TurnedClock) {
            self.row = row
            self.clock = clock
        }

        func answer(_ request: HTTPRequest) -> FakeHTTP.Answer {
            let path = String(request.url.dropFirst("https://io/v1".count))
            let now = clock.wall
            return state.withLock { state in
                if path.hasSuffix("/run") {
                    state.posts.append(clock.uptime)
                    guard state.posts.count == 1 else {
                        state.jobs.append(now)
                        return IntegratorRetryTableTests.status(201, #"{"_jobId":"j\#(state.jobs.count - 1)"}"#)
                    }
                    if [.done, .lookedUp, .repeated].contains(row.run) { state.jobs.append(now) }
                    return row.answer
                }
                if path.hasSuffix("/jobs/latest") {
                    return state.jobs.last.map {
                        IntegratorRetryTableTests.status(200, "[\(Self.job(state.jobs.count - 1, $0))]")
                    }
                        ?? IntegratorRetryTableTests.status(204)
                }
                if path.hasPrefix("/jobs?") {
                    state.lists += 1
                    let jobs = state.jobs.enumerated().reversed().map { Self.job($0.offset, $0.element) }
                    return IntegratorRetryTableTests.status(200, "[\(jobs.joined(separator: ","))]")
                }
                if path.hasPrefix("/jobs/j"), let number = Int(path.dropFirst("/jobs/j".count)) {
                    return IntegratorRetryTableTests.status(200, Self.job(number, state.jobs[number]))
                }
                return IntegratorRetryTableTests.status(200, #"{"_id":"f"}"#)
            }
        }

        private static func job(_ number: Int, _ created: Int64) -> String {
            #"{"_id":"j\#(number)","type":"flow","status":"completed","createdAt":"\#(ISOTime.text(created))"}"#
        }
    }

    @Test(arguments: rows) func `each row, as the answer to a run`(_ row: Row) async throws {
        let clock = TurnedClock()
        let account = Account(row, clock)
        let http = FakeHTTP { account.answer($0) }
        let outcomes = RecordedOutcomes()
        var destination = Destination(name: "io", kind: .integrator, url: "https://io")
        destination.auth = .bearer(.env("T"))
        let factory = SinkFactory(
            environment: .test(http, clock: clock, environment: ["T": "token-1"]),
            journal: MemoryJournal(),
            outcomes: outcomes)
        let runner = try #require(factory.make(destination).ready?.runner)
        let request = FlowRunRequest(
            flow: "f", exports: [], from: clock.wall, until: clock.wall, quietMilliseconds: 1_000,
            maximumMilliseconds: 5_000, limit: 100)
        await runner.add(.make("a", to: .run(request), body: ""))
        for _ in 0..<200_000 where await outcomes.done.isEmpty {
            await Task.yield()
            if let wake = clock.nextWake { clock.advance(by: max(wake - clock.uptime, 1)) }
        }
        #expect(await outcomes.done.contains("a"), "the event is kept until a run has covered it")
        let state = account.state.withLock { $0 }
        switch row.run {
        case .done:
            #expect(state.posts.count == 1 && state.lists == 0)
        case .lookedUp:
            #expect(state.posts.count == 1, "a second run was started")
            #expect(state.lists > 0)
        case .repeated:
            #expect(state.posts.count == 2, "a listed job may be somebody else's")
            #expect(state.lists > 0)
        case .again(let seconds):
            #expect(state.posts.count == 2)
            #expect(state.posts[1] - state.posts[0] >= seconds * 1000)
        }
        await runner.stop()
    }
}

extension Array {
    fileprivate func asyncMap<Result>(_ transform: (Element) async -> Result) async -> [Result] {
        var results: [Result] = []
        for element in self { results.append(await transform(element)) }
        return results
    }
}
