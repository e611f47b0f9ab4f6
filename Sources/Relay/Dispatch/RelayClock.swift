import Glibc

/// Time as the relay sees it, passed in so that tests can turn it.
package protocol RelayClock: Sendable {
    /// Epoch milliseconds. May jump when somebody sets the clock; for what is stored or shown.
    var wall: Int64 { get }
    /// Milliseconds that never jump; for waiting.
    var uptime: Int64 { get }
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    func sleep(untilUptime uptime: Int64) async throws
}

extension RelayClock {
    package var now: Moment { Moment(uptime: uptime, wall: wall) }
}

/// Both readings of a clock, milliseconds.
package struct Moment: Sendable, Equatable {
    package var uptime: Int64
    package var wall: Int64

    package init(uptime: Int64, wall: Int64) {
        self.uptime = uptime
        self.wall = wall
    }
}

/// The machine's clocks.
package struct SystemClock: RelayClock {
    package init() {}

    package var wall: Int64 { Self.milliseconds(CLOCK_REALTIME) }

    package var uptime: Int64 { Self.milliseconds(CLOCK_BOOTTIME) }

    package func sleep(untilUptime target: Int64) async throws {
        let wait = target - uptime
        guard wait > 0 else { return try Task.checkCancellation() }
        try await Task.sleep(for: .milliseconds(wait), tolerance: .milliseconds(min(5, wait / 10)))
    }

    private static func milliseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

/// Randomness for jitter: the system's, or a sequence that a seed repeats (SplitMix64).
package struct Jitter: RandomNumberGenerator, Sendable {
    private var state: UInt64?

    package init(seed: UInt64? = nil) { state = seed }

    package mutating func next() -> UInt64 {
        guard var state else { return UInt64.random(in: .min ... .max) }
        state &+= 0x9E37_79B9_7F4A_7C15
        self.state = state
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    package var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
