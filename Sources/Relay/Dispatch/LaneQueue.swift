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
    private(set) var window: StreamWindow
    private(set) var hold = DestinationHold()
    private(set) var inFlight = 0
    /// 0 while no rule file names this destination: deliveries are kept, nothing is tried.
    private(set) var concurrency = 0

    private var lanes: [String: Lane] = [:]
    private var groups: [String: TargetGroup] = [:]
    private var runnable: Deque<TargetGroup> = []
    private var running: [Int64: Lane] = [:]
    private var timers = Heap<Timer>()
    private var loads: Deque<Lane> = []
    private var loading: [Lane] = []
    private var lanesWithTail: [Lane] = []
    /// Lanes in `settling`, by the commit that settles them: the next one, and the one under way.
    private var settling: [Lane] = []
    private var settlingNow: [Lane] = []
    /// The last shedding freed nothing; only a commit can change that.
    private var shedIsFutile = false

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

    private var hasRoom: Bool { concurrency > 0 && window.hasRoom && lanes.count < limits.lanes }

    private func admitTail(_ now: Moment) {
        guard !window.storedBeyond else { return }
        while hasRoom, let entry = window.popTail() { consider(entry, now) }
    }

    private func consider(_ entry: OutboxEntry, _ now: Moment) {
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

    private func isBlocked(_ lane: Lane) -> Bool {
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

    private func makeReady(_ lane: Lane, _ now: Moment) {
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

    // MARK: Reading from the store

    var wantsReads: Bool {
        concurrency > 0 && (!loads.isEmpty || isStarved || (window.storedBeyond && window.wantsMore && hasRoom))
    }

    /// The window holds nothing that can be tried, although more waits outside it.
    private var isStarved: Bool {
        window.isPaged && !shedIsFutile && inFlight < concurrency && runnable.isEmpty && hold.isFree
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
                through: window.boundary, limit: $0.isFailing ? min(share, limits.blockedLane) : share)
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
        lane.state = .idle
        makeReady(lane, now)
    }

    /// Makes stubs of blocked lanes.
    private func shed() {
        let before = window.count
        defer { shedIsFutile = window.count == before }
        for lane in lanes.values where isBlocked(lane) {
            let hadTail = !lane.tail.isEmpty
            for entry in lane.shed() { window.left(entry) }
            if !hadTail, !lane.tail.isEmpty { lanesWithTail.append(lane) }
        }
    }
}

/// A hold that began, was prolonged, or ended; `target` nil means the whole destination.
enum HoldChange: Equatable {
    case held(target: String?, reason: String, until: Int64, isFirst: Bool)
    case released(target: String?)
}

extension AttemptNote {
    /// Nobody answered, or only something that stands in front of the receiver.
    var isUnreachable: Bool { status == nil || status == 502 || status == 503 || status == 504 }
}
