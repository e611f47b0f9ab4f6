import Events
import Synchronization

/// A clock that stands still until it is turned.
final class TestClock: Sendable {
    private let start: Int64
    private let elapsed = Mutex<Int64>(0)

    /// - Parameter start: epoch milliseconds.
    init(start: Int64) { self.start = start }

    /// Milliseconds since the start.
    var uptime: Int64 {
        get { elapsed.withLock { $0 } }
        set { elapsed.withLock { $0 = newValue } }
    }

    var wall: Int64 { start + uptime }

    var now: Moment { Moment(uptime: uptime, wall: wall) }

    /// Sleeping turns the clock: nobody else waits meanwhile.
    var source: TimeSource {
        TimeSource(
            wall: { self.wall }, monotonic: { .milliseconds(self.uptime) },
            sleepUntil: { (until: Duration) in self.uptime = max(self.uptime, until.milliseconds) })
    }
}
