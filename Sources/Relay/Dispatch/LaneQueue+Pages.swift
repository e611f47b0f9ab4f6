import Events
import Store

/// What leaves memory, and what comes back from the store.
extension LaneQueue {
    var wantsReads: Bool {
        concurrency > 0
            && (!loads.isEmpty || isStarved || (window.storedBeyond && window.wantsMore && hasRoom)
                || backlogs.values.contains(where: mayRead))
    }

    /// The window holds nothing that can be tried, although more waits outside it. A held destination needs something,
    /// too: its probe.
    private var isStarved: Bool {
        window.isPaged && !shedIsFutile && inFlight < concurrency && runnable.isEmpty && hold.phase != .probing
            && !(window.wantsMore && hasRoom)
    }

    /// What to read now, for the destination `name`. Each call is followed by one of `loaded` or `loadFailed`; no
    /// commit may run in between.
    func reads(for name: String, now: Moment) -> [OutboxRead] {
        guard concurrency > 0 else { return [] }
        if isStarved {
            shed()
            admitTail(now)
        }
        let share = max(8, min(limits.laneRows, (limits.window - window.count) / max(1, loads.count)))
        while loading.count < limits.laneReads, let lane = loads.popFirst() { loading.append(lane) }
        var reads = loading.map {
            OutboxRead(
                destination: name, isGathered: false, lane: $0.name, after: $0.loadedThrough,
                through: readThrough($0), limit: $0.isFailing ? min(share, limits.blockedLane) : share)
        }
        for (prefix, backlog) in backlogs where mayRead(backlog) {
            reads.append(
                OutboxRead(
                    destination: name, isGathered: false, lanePrefix: prefix, after: backlog.readThrough,
                    through: window.boundary, limit: rows(of: backlog)))
        }
        if window.storedBeyond, window.wantsMore, hasRoom {
            reads.append(
                OutboxRead(
                    destination: name, isGathered: false, after: window.boundary,
                    limit: min(limits.pageRows, max(1, limits.window / 2))))
        }
        return reads
    }

    /// The answers to `reads`, in its order.
    func loaded(_ reads: [OutboxRead], _ rows: [[StoredDelivery]], now: Moment, policy: RetryPolicy) {
        for (read, found) in zip(reads, rows) {
            let entries = found.map { OutboxEntry($0, now: now, longest: policy.longestAsked) }
            let isAll = found.count < read.limit
            if let name = read.lane {
                refill(lanes[name]!, entries, isAll: isAll, now)
            } else if let prefix = read.lanePrefix {
                catchUp(prefix, entries, isAll: isAll, now)
            } else {
                for entry in entries { consider(entry, now) }
                if isAll { window.storedBeyond = false }
            }
        }
        loading.removeAll()
        admitTail(now)
    }

    func loadFailed() {
        loads.prepend(contentsOf: loading)
        loading.removeAll()
    }

    private func refill(_ lane: Lane, _ entries: [OutboxEntry], isAll: Bool, _ now: Moment) {
        for entry in entries {
            lane.append(entry)
            window.entered(entry)
        }
        if isAll {
            lane.hasMore = false
            while let entry = lane.tail.popFirst() {
                lane.append(entry)
                window.entered(entry)
            }
        }
        if lane.isHurried { lane.entries.first?.due = 0 }
        lane.state = .idle
        makeReady(lane, now)
    }

    /// Makes stubs of blocked lanes, and of those of busy flows, behind which those of idle ones may wait.
    private func shed() {
        let before = window.count
        defer { shedIsFutile = window.count == before }
        for lane in lanes.values where isBlocked(lane) || waitsForItsFlow(lane) {
            let hadTail = !lane.tail.isEmpty
            for entry in lane.shed() { window.left(entry) }
            if !hadTail, !lane.tail.isEmpty { lanesWithTail.append(lane) }
        }
    }
}
