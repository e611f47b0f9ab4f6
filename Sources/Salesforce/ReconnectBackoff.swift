/// The wait before the next connection of one topic, with full jitter.
package struct ReconnectBackoff: Sendable {
    package static let base: Duration = .milliseconds(500)
    package static let ceiling: Duration = .seconds(30)

    /// Since the last response; a connection alone proves nothing and does not reset it.
    package private(set) var failures = 0

    package init() {}

    package mutating func firstResponse() { failures = 0 }

    /// - Parameter minimum: what the error itself asks for.
    /// - Returns: `minimum` plus a random part of `base` × 2^failures, at most `ceiling`.
    package mutating func next(
        minimum: Duration = .zero, using generator: inout some RandomNumberGenerator
    ) -> Duration {
        let bound = min(Self.base * (1 << min(failures, 10)), Self.ceiling)
        failures += 1
        return minimum + bound * Double.random(in: 0...1, using: &generator)
    }
}
