/// How fast one account is called: below a rate, and not at all while integrator.io asks to wait. No clock.
///
/// integrator.io gives each account 300 requests a second, shared with its users and every other client.
package struct AccountBudget: Sendable, Equatable {
    package static let usualRate = 50.0
    /// Nobody is made to wait longer for one answer of 429.
    package static let longestHold: Int64 = 300_000
    /// Where 429 comes without a readable `Retry-After`.
    static let usualHold: Int64 = 10_000

    /// Requests a second; as many may go at once after a pause.
    package let rate: Double
    private var tokens: Double
    private var filledAt: Int64
    private var heldUntil: Int64

    /// - Parameter now: milliseconds of a clock that never goes back, here and below.
    package init(rate: Double = usualRate, now: Int64) {
        precondition(rate > 0, "a rate is above zero")
        self.rate = rate
        tokens = max(rate, 1)
        filledAt = now
        heldUntil = now
    }

    /// Takes one request, on credit if there is none: callers go in the order they asked.
    ///
    /// - Returns: milliseconds to wait before it is sent.
    package mutating func take(now: Int64) -> Int64 {
        tokens = min(max(rate, 1), tokens + Double(now - filledAt) / 1000 * rate)
        filledAt = now
        tokens -= 1
        let paced = tokens >= 0 ? 0 : Int64((-tokens / rate * 1000).rounded(.up))
        return max(paced, heldUntil - now, 0)
    }

    /// integrator.io answered 429: the whole account waits.
    ///
    /// - Parameters:
    ///   - retryAfter: the header, whole seconds.
    ///   - jitter: from 0 to 1; spreads out those that waited, over up to a second.
    /// - Returns: milliseconds from now.
    package mutating func slowDown(retryAfter: String?, jitter: Double, now: Int64) -> Int64 {
        let asked = retryAfter.flatMap { Int64($0.filter { $0 != " " }) }.map { max($0, 0) }
        let hold = asked.map { min($0, Self.longestHold / 1000) * 1000 } ?? Self.usualHold
        let wait = min(hold, Self.longestHold) + Int64(jitter * 1000)
        heldUntil = max(heldUntil, now + wait)
        return wait
    }
}
