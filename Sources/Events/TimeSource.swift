/// The clock, as a parameter: product code never asks the system itself, so that tests and simulations own time.
public struct TimeSource: Sendable {
    /// Epoch milliseconds. May jump when somebody sets the clock; for what is stored or shown.
    public let wall: @Sendable () -> Int64
    /// Since some fixed moment. Never goes back, and goes on while the machine is suspended.
    public let monotonic: @Sendable () -> Duration
    /// `monotonic` in whole milliseconds, for paths where every event asks.
    public let monotonicMilliseconds: @Sendable () -> Int64
    /// Throws `CancellationError` when the task is cancelled.
    public let sleep: @Sendable (Duration) async throws -> Void
    /// Until that reading of `monotonic`. Throws `CancellationError` when the task is cancelled.
    public let sleepUntil: @Sendable (Duration) async throws -> Void

    public init(
        wall: @escaping @Sendable () -> Int64, monotonic: @escaping @Sendable () -> Duration,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.wall = wall
        self.monotonic = monotonic
        self.sleep = sleep
        monotonicMilliseconds = { monotonic().milliseconds }
        sleepUntil = { try await sleep(max(.zero, $0 - monotonic())) }
    }

    /// For clocks that tests turn: what was meant to end at a moment ends there, whenever the sleep began.
    public init(
        wall: @escaping @Sendable () -> Int64, monotonic: @escaping @Sendable () -> Duration,
        sleepUntil: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.wall = wall
        self.monotonic = monotonic
        self.sleepUntil = sleepUntil
        monotonicMilliseconds = { monotonic().milliseconds }
        sleep = { try await sleepUntil(monotonic() + $0) }
    }

    /// The machine's clocks.
    private init() {
        let start = ContinuousClock.now
        let startMilliseconds = SystemWallClock.uptime()
        let sleep: @Sendable (Duration) async throws -> Void = {
            try await Task.sleep(for: $0, tolerance: max(.zero, min(.milliseconds(5), $0 / 10)))
        }
        wall = {
            let now = SystemWallClock.now()
            return now.seconds * 1000 + now.nanoseconds / 1_000_000
        }
        monotonic = { start.duration(to: .now) }
        monotonicMilliseconds = { SystemWallClock.uptime() - startMilliseconds }
        self.sleep = sleep
        sleepUntil = { try await sleep(max(.zero, $0 - start.duration(to: .now))) }
    }

    public static let system = TimeSource()
}

extension TimeSource {
    /// `monotonic` in whole milliseconds.
    public var uptime: Int64 { monotonicMilliseconds() }

    public var now: Moment { Moment(uptime: uptime, wall: wall()) }

    public func sleep(untilUptime uptime: Int64) async throws { try await sleepUntil(.milliseconds(uptime)) }
}

/// Both readings of a clock, in milliseconds.
public struct Moment: Sendable, Equatable {
    /// Never jumps; for waiting.
    public var uptime: Int64
    /// Since the epoch; for what is stored or shown.
    public var wall: Int64

    public init(uptime: Int64, wall: Int64) {
        self.uptime = uptime
        self.wall = wall
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    public var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
