import DequeModule
import Events
import Store

/// Claims of one destination on their way to its collector, and those it holds. Belongs to the outbox's actor.
///
/// Each flow, and each rule that gathers, has a window of its own into the store: claims on a flow that is disabled, or
/// of a rule that is gone, are not reported for days, and nothing else may wait behind them. Once that of a rule is full,
/// the batch key that has most of it gets one apart.
final class ClaimQueue {
    /// Of a claim, roughly; batches hold whole events.
    private static let claimBytes = 1_000

    private let limits: DispatchLimits
    /// Those that have claims, here or in the store.
    private var groups: [String: ClaimGroup] = [:]
    /// Batch keys with a window of their own, by lane. Each had `leastClaims` claims when it got one.
    private var lanes: [String: ClaimGroup] = [:]
    /// Those that have claims in the store only.
    private var paged: [ObjectIdentifier: ClaimGroup] = [:]
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
            let group = ClaimGroup(name, storedBeyond: true, after: 0, crowd: limits.leastClaims)
            groups[name] = group
            paged[ObjectIdentifier(group)] = group
        }
    }

    func open() {
        isOpen = true
        all.forEach(admitTail)
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

    private var all: [ClaimGroup] { Array(groups.values) + Array(lanes.values) }

    var isEmpty: Bool { groups.isEmpty && lanes.isEmpty }

    func committed() {
        for group in all where !group.window.tail.isEmpty {
            group.window.dropStored()
            if group.window.storedBeyond { paged[ObjectIdentifier(group)] = group }
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
            group.left(entry)
            count -= 1
            bytes -= entry.cost
            if wantsMore(group) { admitTail(group) }
            forgetIfEmpty(group)
        }
        return entries
    }

    // MARK: Pages

    var wantsReads: Bool { isOpen && paged.values.contains { wantsMore($0) || isCrowded($0) } }

    /// Those that have least go first.
    func reads(for name: String) -> [OutboxRead] {
        guard isOpen else { return [] }
        for group in Array(paged.values) {
            while !wantsMore(group), isCrowded(group) { split(group) }
        }
        let hungry = paged.values.filter(wantsMore).sorted {
            ($0.window.count, $0.window.boundary) < ($1.window.count, $1.window.boundary)
        }
        return hungry.prefix(limits.claimReads).map { $0.read(for: name, atMost: limits.pageRows) }
    }

    /// The answers to `reads`, in its order; nothing else happened in between.
    func loaded(_ reads: [OutboxRead], _ rows: [[StoredDelivery]], now: Moment) {
        for (read, found) in zip(reads, rows) {
            guard let group = read.lane.map({ lanes[$0] }) ?? read.group.flatMap({ groups[$0] }) else { continue }
            for row in found { loaded(OutboxEntry(row, now: now, longest: 0), group) }
            if found.count < read.limit {
                group.window.storedBeyond = false
                paged[ObjectIdentifier(group)] = nil
                admitTail(group)
            }
            forgetIfEmpty(group)
        }
    }

    /// The rows of a key with a window of its own are read for that.
    private func loaded(_ entry: OutboxEntry, _ group: ClaimGroup) {
        guard group.isLane || lanes[entry.delivery.lane] == nil else { return group.window.passed(entry.seq) }
        consider(entry, group)
    }

    private func admitTail(_ group: ClaimGroup) {
        guard isOpen, !group.window.storedBeyond else { return }
        while !group.window.tail.isEmpty, hasRoom(group), let entry = group.window.popTail() { consider(entry, group) }
    }

    private func consider(_ entry: OutboxEntry, _ group: ClaimGroup) {
        group.window.passed(entry.seq)
        group.entered(entry)
        count += 1
        bytes += entry.cost
        let isKnown = claims[entry.delivery.id] != nil
        claims[entry.delivery.id, default: []].append(entry)
        if !isKnown { unsent.append(entry) }
    }

    // MARK: Groups

    private func group(of entry: OutboxEntry) -> ClaimGroup {
        if let lane = lanes[entry.delivery.lane] { return lane }
        let name = entry.delivery.claimGroup
        if let group = groups[name] { return group }
        // Rows before it may be on their way out of the store.
        let group = ClaimGroup(name, storedBeyond: false, after: entry.seq - 1, crowd: limits.leastClaims)
        groups[name] = group
        return group
    }

    private func isCrowded(_ group: ClaimGroup) -> Bool { hasRoomAtAll && group.crowdedLane != nil }

    /// Gives the batch key that has most of its rule's window one of its own, so that the other keys go on. Few claims
    /// of very many keys stay together: what holds them up is not their key.
    private func split(_ group: ClaimGroup) {
        guard let name = group.crowdedLane else { return }
        let lane = ClaimGroup(
            name, isLane: true, storedBeyond: group.window.storedBeyond, after: group.window.boundary,
            crowd: limits.leastClaims)
        for entry in claims.values.joined() where entry.delivery.lane == name {
            group.left(entry)
            lane.entered(entry)
        }
        for entry in group.window.takeTail(where: { $0.delivery.lane == name }) { lane.window.queue(entry) }
        lanes[name] = lane
        if lane.window.storedBeyond { paged[ObjectIdentifier(lane)] = lane }
    }

    private func forgetIfEmpty(_ group: ClaimGroup) {
        if group.isLane {
            // Its rows may still be ahead of its rule's window, on their way out of the store.
            let parent = groups[Delivery.claimGroup(ofLane: group.name)]
            if group.isEmpty, parent?.window.isPaged != true { lanes[group.name] = nil }
            return
        }
        guard !group.window.isPaged else { return }
        if group.isEmpty { groups[group.name] = nil }
        guard !lanes.isEmpty else { return }
        for lane in lanes.values where lane.isEmpty && lane.name.hasPrefix(group.name + "/") { lanes[lane.name] = nil }
    }

    private func hasRoom(_ group: ClaimGroup) -> Bool {
        resize(group)
        return hasRoomAtAll && group.window.hasRoom
    }

    private func wantsMore(_ group: ClaimGroup) -> Bool {
        resize(group)
        return hasRoomAtAll && group.window.wantsMore
    }

    /// So many groups that all stand are a destination that is down.
    private var hasRoomAtAll: Bool {
        count < 3 * limits.claims && bytes < 3 * limits.claims * Self.claimBytes
    }

    /// Less for each claim that the others hold, but never nothing: who comes late finds room, whatever stands.
    private func resize(_ group: ClaimGroup) {
        let (otherCount, otherBytes) = (count - group.window.count, bytes - group.window.bytes)
        let least = min(limits.leastClaims, limits.claims)
        group.window.maximumCount = max(least, limits.claims - otherCount / 2)
        group.window.maximumBytes = max(least, limits.claims - otherBytes / (2 * Self.claimBytes)) * Self.claimBytes
    }
}
