import Curl
import Events
import TestSupport
import Testing

@testable import IntegratorIO

@Suite struct AccountBudgetTests {
    @Test(arguments: [Int64(0), 1, 1_000_000]) func `a second's worth goes at once, then at the rate`(_ start: Int64) {
        var budget = AccountBudget(rate: 10, now: start)
        #expect((0..<10).allSatisfy { _ in budget.take(now: start) == 0 })
        #expect(budget.take(now: start) == 100)
        #expect(budget.take(now: start) == 200)
        #expect(budget.take(now: start + 1200) == 0)
    }

    @Test func `429 holds everybody for as long as it says`() {
        var budget = AccountBudget(rate: 10, now: 0)
        #expect(budget.slowDown(retryAfter: "7", jitter: 0.5, now: 0) == 7500)
        #expect(budget.take(now: 1000) == 6500)
        #expect(budget.take(now: 7500) == 0)
    }

    @Test(arguments: [
        (nil, 10_000), ("soon", 10_000), ("0", 0), ("-5", 0), ("999999", 300_000), (" 3 ", 3000),
        ("99999999999999999999", 10_000),
    ])
    func `Retry-After is whole seconds, within reason`(_ header: String?, _ wait: Int64) {
        var budget = AccountBudget(now: 0)
        #expect(budget.slowDown(retryAfter: header, jitter: 0, now: 0) == wait)
    }

    private static func limited(_ answers: [Int]) -> (ScriptedHTTP, ManualTime, PacedHTTP) {
        let time = ManualTime(autoAdvance: true)
        let count = Counter()
        let http = ScriptedHTTP { _ throws(TransportError) in
            let status = answers[min(count.next(), answers.count - 1)]
            return HTTPResponse(status: status, headers: [HTTPRequest.Header("Retry-After", "3")])
        }
        return (http, time, PacedHTTP(http, time: time.source, patience: .seconds(30), jitter: { 0 }))
    }

    @Test func `a request that was turned away is sent again after the wait`() async throws {
        let (http, time, paced) = Self.limited([429, 429, 200])
        #expect(try await paced.send(HTTPRequest(method: "POST", url: "https://h/")).status == 200)
        #expect(http.requests.count == 3 && time.slept == [.seconds(3), .seconds(3)])
    }

    @Test func `tries end, and the last answer is told`() async throws {
        let (http, _, paced) = Self.limited([429])
        #expect(try await paced.send(HTTPRequest(url: "https://h/")).status == 429)
        #expect(http.requests.count == PacedHTTP.maximumTries)
    }

    @Test func `a wait beyond patience is not begun`() async throws {
        let time = ManualTime(autoAdvance: true)
        let http = ScriptedHTTP { _ throws(TransportError) in
            HTTPResponse(status: 429, headers: [HTTPRequest.Header("Retry-After", "300")])
        }
        let paced = PacedHTTP(http, time: time.source, patience: .seconds(120), jitter: { 0 })
        #expect(try await paced.send(HTTPRequest(url: "https://h/")).status == 429)
        #expect(http.requests.count == 1 && time.slept.isEmpty)
    }
}
