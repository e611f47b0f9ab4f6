import Events

/// How long ago something was, although somebody set the clock meanwhile. A clock that jumps a day ahead must not end the
/// retries of everything that waits.
struct SteadyAge: Sendable {
    private let start: Moment

    /// - Parameter start: of the process, or nearly.
    init(since start: Moment) { self.start = start }

    /// - Parameter wall: when it was, by the clock of that time.
    /// - Returns: milliseconds, not below zero.
    func age(of wall: Int64, at now: Moment) -> Int64 {
        // The time as it would be had nobody set the clock.
        let steady = start.wall + (now.uptime - start.uptime)
        // What is newer than that was written down after the clock was set ahead.
        let today = wall <= steady ? min(now.wall, steady) : now.wall
        return max(0, today - wall)
    }
}
