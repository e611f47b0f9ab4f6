import DequeModule
import Events
import Store

/// Claims of one destination on their way to its collector, and those it holds. Belongs to the outbox's actor.
final class ClaimQueue {
    private let limits: DispatchLimits
    private(set) var window: StreamWindow
    private var isOpen = false
    private var unsent: Deque<OutboxEntry> = []
    /// The same claim may wait twice, when its event was fetched twice.
    private var claims: [String: [OutboxEntry]] = [:]

    init(limits: DispatchLimits, storedBeyond: Bool) {
        self.limits = limits
        window = StreamWindow(
            maximumCount: limits.claims, maximumBytes: limits.claims * 1_000, storedBeyond: storedBeyond)
    }

    func open() {
        isOpen = true
        admitTail()
    }

    /// The collector is gone: what it holds is for the next one, from the first claim on.
    func close() {
        guard isOpen else { return }
        isOpen = false
        unsent = Deque(claims.values.compactMap(\.first).sorted { $0.seq < $1.seq })
    }

    func offer(_ entry: OutboxEntry) {
        guard isOpen, !window.isPaged, window.hasRoom else { return window.queue(entry) }
        consider(entry)
    }

    var isEmpty: Bool { claims.isEmpty && !window.isPaged }

    func committed() { window.dropStored() }

    /// The next claim for the collector.
    func next() -> OutboxEntry? {
        guard isOpen else { return nil }
        // What was reported or taken away meanwhile is no claim any more.
        while let entry = unsent.popFirst() {
            if claims[entry.delivery.id] != nil { return entry }
        }
        return nil
    }

    /// Ends a claim that the collector reported. Empty for one that is not known (any more).
    func remove(_ id: String) -> [OutboxEntry] {
        guard let entries = claims.removeValue(forKey: id) else { return [] }
        for entry in entries { window.left(entry) }
        if window.wantsMore { admitTail() }
        return entries
    }

    var wantsReads: Bool { isOpen && window.storedBeyond && window.wantsMore }

    func reads(for name: String) -> [OutboxRead] {
        guard wantsReads else { return [] }
        return [OutboxRead(destination: name, isGathered: true, after: window.boundary, limit: limits.pageRows)]
    }

    func loaded(_ reads: [OutboxRead], _ rows: [[StoredDelivery]], now: Moment) {
        guard let read = reads.first, let found = rows.first else { return }
        for row in found { consider(OutboxEntry(row, now: now, longest: 0)) }
        if found.count < read.limit { window.storedBeyond = false }
        admitTail()
    }

    private func admitTail() {
        guard isOpen, !window.storedBeyond else { return }
        while window.hasRoom, let entry = window.popTail() { consider(entry) }
    }

    private func consider(_ entry: OutboxEntry) {
        window.passed(entry.seq)
        window.entered(entry)
        let isKnown = claims[entry.delivery.id] != nil
        claims[entry.delivery.id, default: []].append(entry)
        if !isKnown { unsent.append(entry) }
    }
}
