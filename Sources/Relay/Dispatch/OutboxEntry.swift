import DequeModule
import Events
import Store

/// One delivery while it is in memory. Belongs to the outbox's actor.
final class OutboxEntry {
    enum Storage { case unwritten, writing, stored }

    let seq: Int64
    let delivery: Delivery
    var progress: DeliveryProgress
    var storage: Storage
    /// Delivered, dead or dropped; what is left is to take its row away.
    var isResolved = false
    /// The store holds the same delivery already, under an earlier number: this one has no row, and does not count.
    var isRepeated = false
    /// That row is before it in its lane, and has a request if this one has.
    var isCovered = false
    /// `progress` is newer than the row.
    var isDirty = false
    /// Uptime before which it is not tried; 0 when it may be tried at once.
    var due: Int64 = 0
    /// Why it stood when it was written (`onError: pause`), if it still does.
    private(set) var standsFor: String?

    init(seq: Int64, delivery: Delivery) {
        self.seq = seq
        self.delivery = delivery
        progress = DeliveryProgress()
        storage = .unwritten
    }

    /// From the store.
    ///
    /// - Parameter longest: the most that it may still wait, whatever the clock was set to since.
    init(_ stored: StoredDelivery, now: Moment, longest: Int64) {
        seq = stored.seq
        delivery = stored.delivery
        progress = stored.progress
        storage = .stored
        guard let next = progress.nextAttemptAt else { return }
        // Nor longer than was meant when it was written: the clock may have been set back since.
        let meant = progress.history.last.map { max(0, next - $0.at) } ?? longest
        due = now.uptime + min(max(0, next - now.wall), longest, meant)
        // No back-off of ours is as long as a pause.
        if delivery.retry.onError == .pause, let last = progress.history.last, next - last.at >= RetryPolicy().pause {
            standsFor = last.reason
        }
    }

    /// May leave memory: the row says everything.
    var isEvictable: Bool { storage == .stored && !isDirty && !isResolved }

    /// What it takes, roughly: the strings and the record around the body; without a request, its event in the store.
    var cost: Int { (delivery.unrenderedReason == nil ? delivery.body.count : DispatchLimits.guessedEventBytes) + 700 }
}

/// How far the deliveries of one destination are in memory. Beyond `boundary` they are in the store, then in `tail`.
struct StreamWindow {
    var maximumCount: Int
    var maximumBytes: Int
    /// Every pending delivery up to this sequence number was taken into account.
    private(set) var boundary: Int64
    /// There are rows beyond `boundary`.
    var storedBeyond: Bool
    /// Accepted after that, and not committed yet.
    private(set) var tail: Deque<OutboxEntry> = []
    private(set) var count = 0
    private(set) var bytes = 0

    init(maximumCount: Int, maximumBytes: Int, storedBeyond: Bool, after boundary: Int64 = 0) {
        self.boundary = boundary
        self.maximumCount = maximumCount
        self.maximumBytes = maximumBytes
        self.storedBeyond = storedBeyond
    }

    var hasRoom: Bool { count < maximumCount && bytes < maximumBytes }

    /// Waits until half is free, so that pages are worth reading.
    var wantsMore: Bool { count <= maximumCount / 2 && bytes <= maximumBytes / 2 }

    var isPaged: Bool { storedBeyond || !tail.isEmpty }

    mutating func passed(_ seq: Int64) {
        precondition(seq > boundary, "deliveries out of order")
        boundary = seq
    }

    mutating func entered(_ entry: OutboxEntry) {
        count += 1
        bytes += entry.cost
    }

    mutating func left(_ entry: OutboxEntry) {
        count -= 1
        bytes -= entry.cost
    }

    mutating func queue(_ entry: OutboxEntry) { tail.append(entry) }

    mutating func takeTail(where isMeant: (OutboxEntry) -> Bool) -> [OutboxEntry] {
        let taken = Array(tail.filter(isMeant))
        if !taken.isEmpty { tail.removeAll(where: isMeant) }
        return taken
    }

    mutating func popTail() -> OutboxEntry? { tail.popFirst() }

    /// After a commit: what is stored need not be kept.
    mutating func dropStored() {
        while let first = tail.first, first.storage == .stored {
            tail.removeFirst()
            storedBeyond = true
        }
    }
}
