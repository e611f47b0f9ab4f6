import DequeModule

/// Deliveries with the same key: in order, one at a time.
final class Lane {
    enum State: Equatable {
        case idle, ready, running, waiting(until: Int64), loading
        /// A delivery died or was dropped: the next one waits until that is committed. Otherwise a crash could bring
        /// the old one back behind the new one. So does one that has no request yet, until its event is stored.
        case settling
    }

    let name: String
    /// Of its next delivery, as far as known.
    private(set) var topic: String
    var state = State.idle
    /// In memory, first to be tried first. May be empty while `hasMore`.
    var entries: Deque<OutboxEntry> = []
    /// There are rows after `loadedThrough` that are not in memory.
    var hasMore = false
    var loadedThrough: Int64
    /// Accepted while `hasMore`, and not committed yet: after the rows, in order.
    var tail: Deque<OutboxEntry> = []
    var group: TargetGroup?
    /// The latest attempt did not succeed; there is no point in reading much of the lane.
    var isFailing = false
    /// It waits only because the receiver was not well: when that is over, it need not wait any longer.
    var waitsForReceiver = false
    /// What its next delivery met, while it has to be tried again.
    private(set) var trouble: Trouble?
    /// Why it stands until somebody mends something (`onError: pause`).
    var pauseReason: String?
    /// That is over, although its deliveries are not in memory.
    var isHurried = false
    /// The attempt under way probes a hold.
    var probesDestination = false
    var probesTarget = false

    struct Trouble {
        /// Of the latest attempt.
        var reason: String
        /// When the first one began, epoch milliseconds.
        var since: Int64
    }

    init(name: String, topic: String, loadedThrough: Int64) {
        self.name = name
        self.topic = topic
        self.loadedThrough = loadedThrough
    }

    func append(_ entry: OutboxEntry) {
        if entries.isEmpty { topic = entry.delivery.origin.topic }
        entries.append(entry)
        loadedThrough = entry.seq
    }

    func removeFirst() {
        entries.removeFirst()
        trouble = nil
        if let next = entries.first { topic = next.delivery.origin.topic }
    }

    /// It waits for the next try of its first delivery. A stub keeps what it knew.
    func noteTrouble() {
        guard let progress = entries.first?.progress, let reason = progress.lastError,
            let since = progress.firstAttemptAt
        else { return }
        trouble = Trouble(reason: reason, since: since)
    }

    /// Moves what is stored out of memory; only while no attempt is under way.
    ///
    /// - Returns: what left.
    func shed() -> [OutboxEntry] {
        guard let first = entries.first, first.isEvictable else { return [] }
        var shed: [OutboxEntry] = []
        while let entry = entries.first, entry.isEvictable { shed.append(entries.removeFirst()) }
        tail = entries + tail
        loadedThrough = first.seq - 1
        hasMore = true
        // What is not stored yet counts as unwritten only.
        shed += entries
        entries = []
        return shed
    }
}

/// Lanes whose next delivery has the same `HoldKey`: those of one flow or one listener. They are held together, and
/// take turns with other groups.
final class TargetGroup {
    let target: HoldKey
    /// For people: `flow …9f3c`.
    let key: String
    var hold = DestinationHold()
    var ready = TurnQueue()
    var running = 0
    var isQueued = false
    /// It was idle, and the queue knows it no more.
    var isForgotten = false

    init(target: HoldKey) {
        self.target = target
        key = target.description
    }

    var isIdle: Bool { ready.isEmpty && running == 0 && !isQueued && hold.isFree }
}
