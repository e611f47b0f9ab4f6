/// Every bound of the outbox and the dispatcher, in one place.
package struct DispatchLimits: Sendable {
    /// Accepted deliveries that are neither acknowledged nor stored; beyond it `accept` waits.
    package var unwritten = 8_000
    /// The same in bytes, raw responses for the journal included.
    package var unwrittenBytes = 8 << 20
    /// Deliveries in the store; beyond it `accept` waits, and the stream is parked.
    package var stored = 2_000_000
    package var storedBytes = 4 << 30
    /// For each delivery that is there at the start, so that nobody has to read them all.
    package var guessedBytes = 2_048
    /// For the event of a delivery without a request. It lies beside the delivery, and may be that of several.
    static let guessedEventBytes = 1_348

    /// A commit is due this long after the first change …
    package var commitMilliseconds: Int64 = 100
    /// … or as soon as this many deliveries or bytes wait for it. A keepalive's cursor alone waits longer.
    package var commitCount = 4_000
    package var commitBytes = 2 << 20
    package var keepaliveCommitMilliseconds: Int64 = 1_000
    /// Between tries of a commit that fails. A disk that works again must not wait long to be noticed.
    package var commitRetryBase: Int64 = 1_000
    package var commitRetryCeiling: Int64 = 4_000

    /// Deliveries of one destination in memory; the rest stays in the store.
    package var window = 2_000
    package var windowBytes = 4 << 20
    /// Claims of one destination that its collector holds for one flow, or one gathering rule; at most three times as
    /// many for all of them.
    package var claims = 10_000
    /// What each flow or gathering rule has at least, whatever waits for the others; and what a batch key has when it is
    /// paged apart from its rule.
    package var leastClaims = 32
    /// Groups of claims read from the store in one go.
    package var claimReads = 16
    /// Lanes of one destination that are known, most of them as stubs while their deliveries are in the store. From half
    /// of it on, a flow or listener that is held or busy gets no new ones. Beyond it nothing further is read for that
    /// destination: this many lanes that all fail are a receiver that is down.
    package var lanes = 20_000
    /// Deliveries that a blocked lane keeps in memory.
    package var blockedLane = 4
    /// Deliveries that any other lane keeps there while more than half of the window is taken; otherwise a quarter of it.
    package var busyLane = 16
    /// Lanes read again from the store in one go, and rows of each.
    package var laneReads = 64
    package var laneRows = 256
    package var pageRows = 500
    /// Times are rounded up to this, so that many waiting lanes wake together.
    package var wakeMilliseconds: Int64 = 10
    /// A look for attempts that hang that comes so much too late is put off by as much.
    package var rescueGrace: Int64 = 5_000
    /// The breaker of a destination opens when at least so many attempts were made within that time …
    package var breakerAttempts = 16
    package var breakerMilliseconds: Int64 = 60_000
    /// … and this share of them met a receiver that is not well: no answer, or 5xx.
    package var breakerShare = 0.7
    /// When it closes, the lanes that waited for it go on within this time.
    package var hurryMilliseconds: Int64 = 1_000

    /// Deliveries in memory over all destinations, in windows.
    package var allWindows = 8_000
    package var allWindowBytes = 16 << 20
    /// What each destination has at least, however many there are.
    package var leastWindow = 64

    package init() {}

    /// The limits of one destination among `count`.
    func shared(among count: Int) -> DispatchLimits {
        var limits = self
        let share = max(1, count)
        limits.window = min(window, max(leastWindow, allWindows / share))
        limits.windowBytes = min(windowBytes, max(256 << 10, allWindowBytes / share))
        return limits
    }
}
