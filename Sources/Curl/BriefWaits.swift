/// Whether the I/O thread looks at its sockets for a moment longer before it sleeps.
///
/// Falling asleep and being woken costs more than such a moment when answers come within microseconds, as from a
/// receiver on the same machine. So the last waits decide: nothing is spent while they are long, and little when they
/// cannot be foreseen. All times in nanoseconds.
struct BriefWaits {
    /// For how long it looks at most.
    static let look: UInt64 = 60_000
    /// A sleep of up to here could have been such a moment: it includes the time that waking took.
    static let brief: UInt64 = 150_000
    static let maximumPause = 256

    private let isPossible: Bool
    private var wasBrief = false
    /// Waits to sleep through before it is tried again: doubled each time that it was in vain.
    private var pause = 0
    private var pauseAfterNext = 1

    /// - Parameter processors: with one, whoever is waited for could not go on.
    init(processors: Int) { isPossible = processors > 1 }

    var isWorthwhile: Bool { isPossible && wasBrief && pause == 0 }

    mutating func looked(inTime: Bool) {
        if inTime {
            pauseAfterNext = max(1, pauseAfterNext / 2)
        } else {
            pause = pauseAfterNext
            pauseAfterNext = min(pauseAfterNext * 2, Self.maximumPause)
        }
    }

    /// - Parameter time: from when there was nothing more to do.
    mutating func slept(_ time: UInt64) {
        wasBrief = time <= Self.brief
        if pause > 0 { pause -= 1 }
    }
}
