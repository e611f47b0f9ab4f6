import Curl
import Events

/// Sends the requests of one account at its pace, and again after 429: a request that was turned away for its number
/// has done nothing. For commands; a relay's deliveries have their own order.
package struct PacedHTTP: HTTPClient {
    /// Tries of one request while the account is held.
    static let maximumTries = 5
    /// Nobody is made to wait longer for one answer of 429.
    static let longestHold: Duration = .seconds(300)
    /// Where 429 comes without a readable `Retry-After`.
    static let usualHold: Duration = .seconds(10)

    private let http: any HTTPClient
    private let clock: TimeSource
    private let budget: RequestBudget
    /// One request waits no longer in all.
    private let patience: Duration
    private let jitter: @Sendable () -> Double

    /// - Parameters:
    ///   - rate: requests per second.
    ///   - jitter: from 0 to 1; spreads out those that waited, over up to a second.
    package init(
        _ http: any HTTPClient, clock: TimeSource, rate: Double = SinkFactory.integratorRate,
        patience: Duration = .seconds(120), jitter: @escaping @Sendable () -> Double = { .random(in: 0...1) }
    ) {
        self.http = http
        self.clock = clock
        self.patience = patience
        self.jitter = jitter
        budget = RequestBudget(rate: rate, now: clock.uptime)
    }

    package func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse {
        let start = clock.uptime
        for _ in 1..<Self.maximumTries {
            await budget.pass(clock)
            let response = try await http.send(request)
            guard response.status == 429 else { return response }
            let asked = RetryAfter.parse(response.header("Retry-After"), now: clock.wall()) ?? Self.usualHold
            let wait = min(asked, Self.longestHold).milliseconds + Int64(min(max(jitter(), 0), 1) * 1000)
            let now = clock.uptime
            budget.slowDown(for: wait, now: now)
            guard now - start + wait <= patience.milliseconds else { return response }
        }
        await budget.pass(clock)
        return try await http.send(request)
    }
}
