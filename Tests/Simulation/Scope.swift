import Store

/// What a world has beyond events and their deliveries: each of these in some of the seeds only, so that worlds stay
/// short.
struct Scope {
    /// Somebody asks for replays.
    var replays = false
    /// Acknowledged requests are kept, for `replay --resend`.
    var keepsSent = false

    /// Rules whose one event makes several deliveries.
    var fansOut = false
    /// A destination that writes into the org, whose changes come back as events.
    var writes = false
    /// Records that events, gap events, overflows and backfills tell of.
    var records = false
    /// Any number of records is read by bulk queries.
    var bulk = false
    /// Their topic has a snapshot made when it is first seen.
    var snapshot = false

    /// Rules that read records, or fail until they are mended.
    var reads = false
    /// Bytes of the journal; nil as usual.
    var journal: Int64?

    /// The least.
    init() {}

    init(seed: UInt64, _ defect: Defect) {
        var random = SeededRandom(seed: seed ^ 0x7363_6F70)
        replays = random.chance(300) || defect == .replayMovesCursor || defect == .replayForgotten
        keepsSent = replays && random.chance(350)
        // A replay hands over what is old, as it is asked to.
        fansOut = random.chance(300)
        // What was written does not say which replay wrote it.
        writes = !replays && random.chance(300) || defect == .echoesHeard
        records = random.chance(350) && (!replays || random.chance(300)) || defect == .marksForgotten
        bulk = records && random.chance(400)
        snapshot = records && random.chance(300)
        reads = random.chance(300)
        // What waits must not need it.
        if reads, !replays { journal = random.pick([nil, 0, 1_000]) }
    }

    /// Of the journal, and of what is kept beside it, nothing is forgotten for its age, whatever the clock says.
    var storeLimits: StoreLimits {
        var limits = StoreLimits()
        if let journal { limits.journalBytes = journal }
        guard replays else { return limits }
        limits.journalMilliseconds = 400 * 86_400_000
        limits.sentMilliseconds = 400 * 86_400_000
        if keepsSent { limits.sentBytes = 64 << 20 }
        return limits
    }
}
