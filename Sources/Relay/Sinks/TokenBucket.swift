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

    /// How long until a token is there, in milliseconds.
    package func wait(now: Int64) -> Int64 { Self.wait(for: 1 - filled(now), rate) }

    /// Takes one token, on credit if there is none: callers go in the order they asked.
    ///
    /// - Returns: how long to wait before using it, in milliseconds.
    package mutating func take(now: Int64) -> Int64 {
        tokens = filled(now) - 1
        filledAt = now
        return Self.wait(for: -tokens, rate)
    }

    private func filled(_ now: Int64) -> Double { min(burst, tokens + Double(now - filledAt) / 1000 * rate) }

    private static func wait(for missing: Double, _ rate: Double) -> Int64 {
        // A token is a token, whatever adding fractions left of it.
        missing <= 1e-9 ? 0 : Int64((missing / rate * 1000).rounded(.up))
    }
}
