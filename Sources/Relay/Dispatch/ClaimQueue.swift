import DequeModule
import Events
import Store

/// Claims of one destination on their way to its collector, and those it holds. Belongs to the outbox's actor.
///
/// Each flow, and each rule that gathers, has a window of its own into the store: claims on a flow that is disabled, or
/// of a rule that is gone, are not reported for days, and nothing else may wait behind them.
final class ClaimQueue {
    private final class Group {
        let name: String
        var window: StreamWindow

        init(_ name: String, storedBeyond: Bool, after boundary: Int64) {
            self.name = name
            window = StreamWindow(maximumCount: 0, maximumBytes: 0, storedBeyond: storedBeyond, after: boundary)
        }
    }

    /// Of a claim, roughly; batches hold whole events.
    private static let claimBytes = 1_000

    private let limits: DispatchLimits
    /// Those that have claims, here or in the store.
    private var groups: [String: Group] = [:]
    /// Those of `groups` that have claims in the store only.
    private var paged: [String: Group] = [:]
    /// Over all groups.
    private(set) var count = 0
    private var bytes = 0
    private var isOpen = false
    private var unsent: Deque<OutboxEntry> = []
    /// The same claim may wait twice, when its event was fetched twice.
    private var claims: [String: [OutboxEntry]] = [:]

    /// - Parameter stored: groups of claims that are in the store.
    init(limits: DispatchLimits, stored: [String]) {
        self.limits = limits
        for name in stored {
            let group = Group(name, storedBeyond: true, after: 0)
            groups[name] = group
            paged[name] = group
        }
    }

    func open() {
        isOpen = true
        groups.values.forEach(admitTail)
    }

    /// The collector is gone: what it holds is for the next one, from the first claim on.
    func close() {
        guard isOpen else { return }
        isOpen = false
        unsent = Deque(claims.values.compactMap(\.first).sorted { $0.seq < $1.seq })
    }

    func offer(_ entry: OutboxEntry) {
        let group = group(of: entry)
        guard isOpen, !group.window.isPaged, hasRoom(group) else { return group.window.queue(entry) }
        consider(entry, group)
    }

    var isEmpty: Bool { groups.isEmpty }

    func committed() {
        for group in groups.values where !group.window.tail.isEmpty {
            group.window.dropStored()
            if group.window.storedBeyond { paged[group.name] = group }
        }
    }

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
        for entry in entries {
            let group = group(of: entry)
            group.window.left(entry)
            count -= 1
            bytes -= entry.cost
            if wantsMore(group) { admitTail(group) }
            forgetIfEmpty(group)
        }
        return entries
    }

    // MARK: Pages

    var wantsReads: Bool { isOpen && paged.values.contains(where: wantsMore) }

    /// Those that have least go first.
    func reads(for name: String) -> [OutboxRead] {
        guard isOpen else { return [] }
        let hungry = paged.values.filter(wantsMore).sorted {
            ($0.window.count, $0.window.boundary) < ($1.window.count, $1.window.boundary)
        }
        return hungry.prefix(limits.claimReads).map { group in
            OutboxRead(
                destination: name, group: group.name, after: group.window.boundary,
                limit: max(1, min(limits.pageRows, group.window.maximumCount - group.window.count)))
        }
    }

    /// The answers to `reads`, in its order; nothing else happened in between.
    func loaded(_ reads: [OutboxRead], _ rows: [[StoredDelivery]], now: Moment) {
        for (read, found) in zip(reads, rows) {
            guard let group = read.group.flatMap({ groups[$0] }) else { continue }
            for row in found { consider(OutboxEntry(row, now: now, longest: 0), group) }
            guard found.count < read.limit else { continue }
            group.window.storedBeyond = false
            paged[group.name] = nil
            admitTail(group)
            forgetIfEmpty(group)
        }
    }

    private func admitTail(_ group: Group) {
        guard isOpen, !group.window.storedBeyond else { return }
        while !group.window.tail.isEmpty, hasRoom(group), let entry = group.window.popTail() { consider(entry, group) }
    }

    private func consider(_ entry: OutboxEntry, _ group: Group) {
        group.window.passed(entry.seq)
        group.window.entered(entry)
        count += 1
        bytes += entry.cost
        let isKnown = claims[entry.delivery.id] != nil
        claims[entry.delivery.id, default: []].append(entry)
        if !isKnown { unsent.append(entry) }
    }

    // MARK: Groups

    private func group(of entry: OutboxEntry) -> Group {
        let name = entry.delivery.claimGroup
        if let group = groups[name] { return group }
        // Rows before it may be on their way out of the store.
        let group = Group(name, storedBeyond: false, after: entry.seq - 1)
        groups[name] = group
        return group
    }

    private func forgetIfEmpty(_ group: Group) {
        if group.window.count == 0, !group.window.isPaged { groups[group.name] = nil }
    }

    private func hasRoom(_ group: Group) -> Bool {
        resize(group)
        return hasRoomAtAll && group.window.hasRoom
    }

    private func wantsMore(_ group: Group) -> Bool {
        resize(group)
        return hasRoomAtAll && group.window.wantsMore
    }

    /// So many groups that all stand are a destination that is down.
    private var hasRoomAtAll: Bool {
        count < 3 * limits.claims && bytes < 3 * limits.claims * Self.claimBytes
    }

    /// Less for each claim that the others hold, but never nothing: who comes late finds room, whatever stands.
    private func resize(_ group: Group) {
        let (otherCount, otherBytes) = (count - group.window.count, bytes - group.window.bytes)
        let least = min(limits.leastClaims, limits.claims)
        group.window.maximumCount = max(least, limits.claims - otherCount / 2)
        group.window.maximumBytes = max(least, limits.claims - otherBytes / (2 * Self.claimBytes)) * Self.claimBytes
    }
}
