import DequeModule
import HeapModule
import Store

/// Pending deliveries of one destination: which one is tried next, and which wait for what. No clock, no store, no
/// tasks; belongs to the outbox's actor.
///
/// Memory is bounded in three steps. Beyond the window, deliveries stay in the store and are read in stream order as it
/// empties. When the window is full of lanes that wait (back-off, a held flow), these become *stubs*: their deliveries
/// leave memory, and are read again, lane by lane, when their time has come; so they never stall other lanes. Beyond
/// `DispatchLimits.lanes` stubs nothing more is read.
final class LaneQueue {
    let limits: DispatchLimits
    var window: StreamWindow
    private(set) var hold = DestinationHold()
    private(set) var inFlight = 0
    /// 0 while no rule file names this destination: deliveries are kept, nothing is tried.
    private(set) var concurrency = 0

    var lanes: [String: Lane] = [:]
    private var groups: [String: TargetGroup] = [:]
    var runnable: Deque<TargetGroup> = []
    private var running: [Int64: Lane] = [:]
    private var timers = Heap<Timer>()
    var loads: Deque<Lane> = []
    var loading: [Lane] = []
    var lanesWithTail: [Lane] = []
    /// Lanes in `settling`, by the commit that settles them: the next one, and the one under way.
    private var settling: [Lane] = []
    private var settlingNow: [Lane] = []
    /// The last shedding freed nothing; only a commit can change that.
    var shedIsFutile = false

    init(limits: DispatchLimits, storedBeyond: Bool) {
        self.limits = limits
        window = StreamWindow(
            maximumCount: limits.window, maximumBytes: limits.windowBytes, storedBeyond: storedBeyond)
    }

    /// Lanes that wait, and those of held flows or listeners.
    var blockedLanes: Int { lanes.count - running.count - runnable.reduce(0) { $0 + $1.ready.count } }
    var knownLanes: Int { lanes.count }
    var heldGroups: [TargetGroup] { groups.values.filter { !$0.hold.isFree } }

    // MARK: What comes in

    func open(concurrency: Int, now: Moment) {
        self.concurrency = concurrency
        admitTail(now)
    }

    /// Takes a delivery that was just accepted.
    func offer(_ entry: OutboxEntry, now: Moment) {
        guard !window.isPaged, hasRoom else { return window.queue(entry) }
        consider(entry, now)
    }

    /// Before a commit.
    func committing() {
        settlingNow += settling
        settling = []
    }

    /// After a commit that succeeded.
    func committed(_ now: Moment) {
        shedIsFutile = false
        let settled = settlingNow
        settlingNow = []
        for lane in settled {
            lane.state = .idle
            makeReady(lane, now)
        }
        window.dropStored()
        lanesWithTail.removeAll { lane in
            while let first = lane.tail.first, first.storage == .stored { lane.tail.removeFirst() }
            return lane.tail.isEmpty
        }
    }

    var hasRoom: Bool { concurrency > 0 && window.hasRoom && lanes.count < limits.lanes }

    func admitTail(_ now: Moment) {
        guard !window.storedBeyond else { return }
        while hasRoom, let entry = window.popTail() { consider(entry, now) }
    }

    func consider(_ entry: OutboxEntry, _ now: Moment) {
        window.passed(entry.seq)
        let name = entry.delivery.lane
        let lane: Lane
        if let known = lanes[name] {
            lane = known
        } else {
            lane = Lane(name: name, loadedThrough: entry.seq - 1)
            lanes[name] = lane
        }
        if lane.hasMore || (isBlocked(lane) && lane.entries.count >= limits.blockedLane) {
            lane.hasMore = true
            if entry.storage != .stored { keepInTail(entry, of: lane) }
            return
        }
        lane.append(entry)
        window.entered(entry)
        if lane.state == .idle { makeReady(lane, now) }
    }

    private func keepInTail(_ entry: OutboxEntry, of lane: Lane) {
        if lane.tail.isEmpty { lanesWithTail.append(lane) }
        lane.tail.append(entry)
    }

    func isBlocked(_ lane: Lane) -> Bool {
        switch lane.state {
        case .waiting: true
        case .ready: !(lane.group?.hold.isFree ?? true)
        default: false
        }
    }

    // MARK: What goes out

    /// The next delivery to try, which counts as under way from now on.
    func next(_ now: Moment) -> OutboxEntry? {
        guard inFlight < concurrency, hold.permits(at: now.uptime) else { return nil }
        while let group = runnable.popFirst() {
            group.isQueued = false
            guard group.hold.permits(at: now.uptime), let lane = group.ready.popFirst() else { continue }
            guard let entry = lane.entries.first else {
                load(lane)
                enqueue(group)
                continue
            }
            lane.state = .running
            lane.probesDestination = hold.started()
            lane.probesTarget = group.hold.started()
            group.running += 1
            running[entry.seq] = lane
            inFlight += 1
            if group.hold.isFree { enqueue(group) }
            return entry
        }
        return nil
    }

    private func enqueue(_ group: TargetGroup) {
        guard !group.isQueued, !group.ready.isEmpty else { return }
        group.isQueued = true
        runnable.append(group)
    }

    private func load(_ lane: Lane) {
        lane.state = .loading
        loads.append(lane)
    }

    func makeReady(_ lane: Lane, _ now: Moment) {
        guard let head = lane.entries.first else {
            if lane.hasMore { return load(lane) }
            lanes[lane.name] = nil
            return
        }
        if head.due > now.uptime { return wait(lane, until: head.due) }
        let key = head.delivery.target.holdKey
        let group = groups[key] ?? TargetGroup(key: key)
        if groups[key] == nil { groups[key] = group }
        lane.group = group
        lane.state = .ready
        group.ready.append(lane)
        enqueue(group)
    }

    private func wait(_ lane: Lane, until due: Int64) {
        let step = limits.wakeMilliseconds
        let rounded = (due + step - 1) / step * step
        lane.state = .waiting(until: rounded)
        timers.insert(Timer(due: rounded, target: .lane(lane)))
    }

    // MARK: Time

    /// Uptime at which `advance` has something to do.
    var wake: Int64? { timers.min?.due }

    /// Wakes what is due. `next` may have something afterwards.
    func advance(_ now: Moment) {
        while let timer = timers.min, timer.due <= now.uptime {
            timers.removeMin()
            switch timer.target {
            case .lane(let lane):
                guard lane.state == .waiting(until: timer.due) else { continue }
                lane.state = .idle
                makeReady(lane, now)
            case .group(let group): enqueue(group)
            case .destination: break
            }
        }
    }

    private struct Timer: Comparable {
        enum Target { case lane(Lane), group(TargetGroup), destination }
        let due: Int64
        let target: Target

        static func < (left: Timer, right: Timer) -> Bool { left.due < right.due }
        static func == (left: Timer, right: Timer) -> Bool { left.due == right.due }
    }

    // MARK: Outcomes

    /// The entry whose attempt is under way.
    func attempted(_ seq: Int64) -> OutboxEntry? { running[seq]?.entries.first }

    /// Ends an attempt. Nothing is left of the entry here if the verdict resolves it.
    ///
    /// - Returns: how the holds changed.
    func finish(
        _ seq: Int64, _ verdict: RetryPolicy.Verdict, note: AttemptNote, now: Moment, policy: RetryPolicy,
        random: inout Jitter
    ) -> [HoldChange] {
        guard let lane = running.removeValue(forKey: seq), let entry = lane.entries.first, let group = lane.group
        else { preconditionFailure("an attempt that nobody made") }
        inFlight -= 1
        group.running -= 1
        lane.state = .idle
        lane.isFailing = verdict != .delivered
        let changes = judge(lane, group, verdict, note, now, policy, &random)
        switch verdict {
        case .delivered:
            lane.entries.removeFirst()
            window.left(entry)
            makeReady(lane, now)
        case .dead, .dropped:
            lane.entries.removeFirst()
            window.left(entry)
            lane.state = .settling
            settling.append(lane)
        case .wait(let milliseconds):
            entry.due = now.uptime + milliseconds
            wait(lane, until: entry.due)
        case .hold:
            lane.state = .ready
            group.ready.prepend(lane)
        }
        lane.probesDestination = false
        lane.probesTarget = false
        if group.hold.permits(at: now.uptime) { enqueue(group) }
        if group.isIdle, groups.count > 64 { groups[group.key] = nil }
        if window.isPaged, window.wantsMore { admitTail(now) }
        return changes
    }

    private func judge(
        _ lane: Lane, _ group: TargetGroup, _ verdict: RetryPolicy.Verdict, _ note: AttemptNote, _ now: Moment,
        _ policy: RetryPolicy, _ random: inout Jitter
    ) -> [HoldChange] {
        var changes: [HoldChange] = []
        let probes = (lane.probesDestination, lane.probesTarget)
        switch verdict {
        case .hold(.destination, let asked):
            if group.hold.answered(isProbe: probes.1) { changes.append(.released(target: group.key)) }
            if hold.hold(
                reason: note.reason, asked: asked, isProbe: probes.0, now: now, policy: policy, random: &random)
            {
                changes.append(held(nil))
            }
        case .hold(.target, let asked):
            if hold.answered(isProbe: probes.0) { changes.append(.released(target: nil)) }
            if group.hold.hold(
                reason: note.reason, asked: asked, isProbe: probes.1, now: now, policy: policy, random: &random)
            {
                changes.append(held(group))
            }
        case .delivered:
            if hold.delivered(isProbe: probes.0) { changes.append(.released(target: nil)) }
            if group.hold.delivered(isProbe: probes.1) { changes.append(.released(target: group.key)) }
        case .wait where note.isUnreachable:
            if group.hold.answered(isProbe: probes.1) { changes.append(.released(target: group.key)) }
            if hold.unreachable(isProbe: probes.0, limit: limits.unreachable),
                hold.hold(
                    .unreachable, reason: note.reason, asked: nil, isProbe: probes.0, now: now, policy: policy,
                    random: &random)
            {
                changes.append(held(nil))
            }
        case .wait, .dead, .dropped:
            if hold.answered(isProbe: probes.0) { changes.append(.released(target: nil)) }
            if group.hold.answered(isProbe: probes.1) { changes.append(.released(target: group.key)) }
        }
        return changes
    }

    private func held(_ group: TargetGroup?) -> HoldChange {
        let hold = group?.hold ?? self.hold
        let until = hold.until!
        timers.insert(Timer(due: until, target: group.map { .group($0) } ?? .destination))
        return .held(target: group?.key, reason: hold.reason, until: until, isFirst: hold.level == 1)
    }
}
