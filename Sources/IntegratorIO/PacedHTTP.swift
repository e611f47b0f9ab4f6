import Curl
import Events

/// Sends the requests of one account at its pace, and again after 429: a request that was turned away for its number
/// has done nothing.
package actor PacedHTTP: HTTPClient {
    /// Tries of one request while the account is held.
    static let maximumTries = 5
    /// Requests that wait for their turn; more are refused.
    static let maximumWaiting = 1_000

    private let http: any HTTPClient
    private let time: TimeSource
    /// One request waits no longer in all.
    private let patience: Int64
    private let jitter: @Sendable () -> Double
    private var budget: AccountBudget
    private var waiting = 0

    package init(
        _ http: any HTTPClient, time: TimeSource, rate: Double = AccountBudget.usualRate,
        patience: Duration = .seconds(120), jitter: @escaping @Sendable () -> Double = { .random(in: 0...1) }
    ) {
        self.http = http
        self.time = time
        self.patience = patience.wholeMilliseconds
        self.jitter = jitter
        budget = AccountBudget(rate: rate, now: time.monotonic().wholeMilliseconds)
    }

    package func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse {
        let start = now
        for _ in 1..<Self.maximumTries {
            try await sleep(budget.take(now: now), request)
            let response = try await http.send(request)
            guard response.status == 429 else { return response }
            let wait = budget.slowDown(
                retryAfter: response.header("Retry-After"), jitter: min(max(jitter(), 0), 1), now: now)
            guard now - start + wait <= patience else { return response }
        }
        try await sleep(budget.take(now: now), request)
        return try await http.send(request)
    }

    private var now: Int64 { time.monotonic().wholeMilliseconds }

    private func sleep(_ milliseconds: Int64, _ request: HTTPRequest) async throws(TransportError) {
        guard milliseconds > 0 else { return }
        guard waiting < Self.maximumWaiting else {
            throw failure(.other, "\(Self.maximumWaiting) requests wait for this account already")
        }
        waiting += 1
        defer { waiting -= 1 }
        do {
            try await time.sleep(.milliseconds(milliseconds))
        } catch {
            throw failure(.cancelled, "cancelled while the account was asked to slow down")
        }
    }

    private func failure(_ kind: TransportError.Kind, _ reason: String) -> TransportError {
        TransportError(kind: kind, target: "integrator.io", reason: reason, mayHaveBeenSent: false)
    }
}

extension Duration {
    var wholeMilliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
