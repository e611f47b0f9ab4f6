import Events
import Synchronization

/// How fast requests may go to one destination, or to all destinations of one account: shared by everything that calls
/// it. It keeps a rate, and a time before which the receiver wants none.
package final class RequestBudget: Sendable {
    private struct State {
        var bucket: TokenBucket?
        /// Uptime before which no request goes.
        var pausedUntil: Int64 = 0
    }

    private let state: Mutex<State>

    /// - Parameters:
    ///   - rate: requests per second; nil for no limit.
    ///   - now: uptime, milliseconds.
    package init(rate: Double?, now: Int64) {
        state = Mutex(State(bucket: rate.map { TokenBucket(rate: $0, now: now) }))
    }

    /// Requests per second; nil for no limit.
    package var rate: Double? { state.withLock { $0.bucket?.rate } }

    /// Milliseconds until a request may go; 0 when it may go now.
    package func wait(now: Int64) -> Int64 {
        state.withLock { max($0.pausedUntil - now, $0.bucket?.wait(now: now) ?? 0, 0) }
    }

    /// Milliseconds for which the receiver wants nothing; 0 when it is not so.
    package func pause(now: Int64) -> Int64 { state.withLock { max($0.pausedUntil - now, 0) } }

    /// A request goes.
    package func take(now: Int64) { state.withLock { _ = $0.bucket?.take(now: now) } }

    /// The receiver asked to slow down.
    package func slowDown(for milliseconds: Int64, now: Int64) {
        state.withLock { $0.pausedUntil = max($0.pausedUntil, now + milliseconds) }
    }

    /// One of those that share this budget was given a higher rate.
    func raise(to rate: Double, now: Int64) {
        state.withLock { state in
            guard let bucket = state.bucket, bucket.rate < rate else { return }
            state.bucket = TokenBucket(rate: rate, now: now)
        }
    }

    /// Returns when one request may go, with a place in the order of asking. For callers that have no queue of their
    /// own; at most as many wait as there are of them.
    func pass(_ clock: TimeSource) async {
        let now = clock.uptime
        let wait = state.withLock { state in
            max(state.pausedUntil - now, state.bucket?.take(now: now) ?? 0)
        }
        if wait > 0 { try? await clock.sleep(untilUptime: now + wait) }
    }
}

/// The budgets of accounts, shared by the destinations that have the same credential.
final class AccountBudgets: Sendable {
    struct Account: Hashable {
        /// `IntegratorSettings.root`: the same account however its URL is written.
        var root: String
        var credential: Secret
    }

    private let budgets = Mutex<[Account: RequestBudget]>([:])

    /// - Parameter rate: of this destination; the account has the highest of its destinations'.
    func budget(of account: Account, rate: Double, now: Int64) -> RequestBudget {
        let budget = budgets.withLock { budgets in
            if let known = budgets[account] { return known }
            let budget = RequestBudget(rate: rate, now: now)
            budgets[account] = budget
            return budget
        }
        budget.raise(to: rate, now: now)
        return budget
    }
}
