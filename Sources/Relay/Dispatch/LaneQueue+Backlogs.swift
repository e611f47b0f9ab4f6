import Events
import Store

/// Flows and listeners that stand, while others of the destination go on.
extension LaneQueue {
    /// - Returns: whether it waits outside, behind what its flow or listener has there, or as the first that does.
    func keepInBacklog(_ entry: OutboxEntry) -> Bool {
        let isCrowded = lanes.count >= limits.lanes / 2
        guard isCrowded || !backlogs.isEmpty, let prefix = TargetBacklog.prefix(of: entry.delivery.lane) else {
            return false
        }
        if backlogs[prefix] == nil {
            let target = entry.delivery.holdKey
            guard isCrowded, target.mayBacklog, lanes[entry.delivery.lane] == nil, let group = groups[target],
                !group.hold.isFree || isFull(group)
            else { return false }
            backlogs[prefix] = TargetBacklog(target: target, readThrough: entry.seq - 1)
        }
        if entry.storage != .stored { backlogs[prefix]?.tail.append(entry) }
        return true
    }

    /// How far the rows of a lane may be read: beyond that they come with those of its flow or listener.
    func readThrough(_ lane: Lane) -> Int64 {
        guard !backlogs.isEmpty, let prefix = TargetBacklog.prefix(of: lane.name) else { return window.boundary }
        return backlogs[prefix]?.readThrough ?? window.boundary
    }

    /// Its flow or listener goes on and has not much at hand. Some lanes are left to those that have no backlog.
    func mayRead(_ backlog: TargetBacklog) -> Bool {
        guard window.wantsMore, hasRoom else { return false }
        if backlog.wantsProbe { return true }
        guard lanes.count < limits.lanes * 3 / 4 else { return false }
        guard let group = groups[backlog.target] else { return true }
        return group.hold.isFree && group.ready.count < limits.laneReads
    }

    func rows(of backlog: TargetBacklog) -> Int {
        backlog.wantsProbe ? limits.blockedLane : min(limits.pageRows, max(1, limits.window / 8))
    }

    /// The hold of a flow or listener is over, as far as it knows.
    func probe(_ group: TargetGroup) {
        enqueue(group)
        guard !backlogs.isEmpty, group.ready.isEmpty, group.running == 0 else { return }
        for (prefix, backlog) in backlogs where backlog.target == group.target { backlogs[prefix]?.wantsProbe = true }
    }

    /// The answer to a read of a backlog.
    func catchUp(_ prefix: String, _ entries: [OutboxEntry], isAll: Bool, _ now: Moment) {
        backlogs[prefix]?.wantsProbe = false
        for entry in entries {
            backlogs[prefix]?.readThrough = entry.seq
            place(entry, now)
        }
        guard isAll else { return }
        // All of its rows; what was accepted since follows them.
        while hasRoom, let entry = backlogs[prefix]?.tail.popFirst() {
            backlogs[prefix]?.readThrough = entry.seq
            place(entry, now)
        }
        if backlogs[prefix]?.tail.isEmpty == true { backlogs[prefix] = nil }
    }
}
