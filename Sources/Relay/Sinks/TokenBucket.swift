/// Spaces requests out to a rate, with a small burst. No clock.
package struct TokenBucket: Sendable {
    /// Per second.
    package let rate: Double
    package let burst: Double
    private var tokens: Double
    private var filledAt: Int64

    /// - Parameters:
    ///   - burst: how many may go at once after a pause; at least one.
    ///   - now: milliseconds of a clock that never jumps.
    package init(rate: Double, burst: Double? = nil, now: Int64) {
        precondition(rate > 0, "a rate is above zero")
        self.rate = rate
        self.burst = max(burst ?? rate, 1)
        tokens = self.burst
        filledAt = now
    }

    /// Takes one token, on credit if there is none: callers go in the order they asked.
    ///
    /// - Returns: how long to wait before using it, in milliseconds.
    package mutating func take(now: Int64) -> Int64 {
        tokens = min(burst, tokens + Double(now - filledAt) / 1000 * rate)
        filledAt = now
        tokens -= 1
        return tokens >= 0 ? 0 : Int64((-tokens / rate * 1000).rounded(.up))
    }
}

/// The rate limit of one destination.
actor RateLimiter {
    private var bucket: TokenBucket?
    private let environment: SinkEnvironment

    /// - Parameter rate: requests per second; nil for no limit.
    init(rate: Double?, environment: SinkEnvironment) {
        bucket = rate.map { TokenBucket(rate: $0, now: environment.clock.uptime) }
        self.environment = environment
    }

    /// Returns when one request may go. At most as many wait as the destination's concurrency allows attempts.
    func pass() async {
        let now = environment.clock.uptime
        guard let wait = bucket?.take(now: now), wait > 0 else { return }
        try? await environment.clock.sleep(untilUptime: now + wait)
    }
}
