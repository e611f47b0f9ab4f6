import Curl
import Events
import Synchronization
import TestSupport
import Testing

@testable import Relay

@Suite struct PacedHTTPTests {
    private static func limited(
        _ answers: [Int], retryAfter: String = "3", patience: Duration = .seconds(30), rate: Double = 50
    ) -> (ScriptedHTTP, ManualTime, PacedHTTP) {
        let time = ManualTime(autoAdvance: true)
        let left = Mutex(answers)
        let http = ScriptedHTTP { _ throws(TransportError) in
            let status = left.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
            return HTTPResponse(status: status, headers: [HTTPRequest.Header("Retry-After", retryAfter)])
        }
        return (http, time, PacedHTTP(http, clock: time.source, rate: rate, patience: patience, jitter: { 0 }))
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

    @Test(arguments: ["300", "999999", "99999999999999999999"])
    func `a wait beyond patience is not begun`(_ header: String) async throws {
        let (http, time, paced) = Self.limited([429], retryAfter: header, patience: .seconds(120))
        #expect(try await paced.send(HTTPRequest(url: "https://h/")).status == 429)
        #expect(http.requests.count == 1 && time.slept.isEmpty)
    }

    @Test func `without a readable time it waits ten seconds`() async throws {
        let (_, time, paced) = Self.limited([429, 200], retryAfter: "soon")
        #expect(try await paced.send(HTTPRequest(url: "https://h/")).status == 200)
        #expect(time.slept == [.seconds(10)])
    }

    @Test func `a second's worth goes at once, then at the rate`() async throws {
        let (_, time, paced) = Self.limited([200], rate: 10)
        for _ in 0..<12 { _ = try await paced.send(HTTPRequest(url: "https://h/")) }
        #expect(time.slept == [.milliseconds(100), .milliseconds(100)])
    }
}
