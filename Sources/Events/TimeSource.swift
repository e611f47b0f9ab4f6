/// The clock, as a parameter: product code never asks the system itself, so that tests and simulations own time.
package struct TimeSource: Sendable {
    /// Epoch milliseconds. May jump.
    package let wall: @Sendable () -> Int64
    /// Since some fixed moment. Never goes back.
    package let monotonic: @Sendable () -> Duration
    /// Throws `CancellationError` when the task is cancelled.
    package let sleep: @Sendable (Duration) async throws -> Void

    package init(
        wall: @escaping @Sendable () -> Int64, monotonic: @escaping @Sendable () -> Duration,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.wall = wall
        self.monotonic = monotonic
        self.sleep = sleep
    }

    package static let system: TimeSource = {
        let start = ContinuousClock.now
        return TimeSource(
            wall: {
                let now = SystemWallClock.now()
                return now.seconds * 1000 + now.nanoseconds / 1_000_000
            },
            monotonic: { start.duration(to: .now) },
            sleep: { try await Task.sleep(for: $0) })
    }()
}
