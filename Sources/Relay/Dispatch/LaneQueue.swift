import DequeModule
import Events
import HeapModule
import Store

/// Pending deliveries of one destination: which one is tried next, and which wait for what. No clock, no store, no
/// tasks; belongs to the outbox's actor.
///
/// Memory is bounded in three steps. Beyond the window, deliveries stay in the store and are read in stream order as it
/// empties. When the window is full of lanes that wait (back-off, a held flow), these become *stubs*: their deliveries
/// leave memory, and are read again, lane by lane, when their time has come; so they never stall other lanes. Nor does one
/// that has more to send than others: it keeps its share of the window in memory, and the rest is read again as well.
/// From half of `DispatchLimits.lanes` on, a flow or listener that stands gets no new lanes: its further deliveries are
/// read when it goes on (`TargetBacklog`). Beyond all of them nothing more is read.
final class LaneQueue {
    let limits: DispatchLimits
    var window: StreamWindow
    var hold = DestinationHold()
    private(set) var inFlight = 0
    private(set) var limit = ConcurrencyLimit.closed
    /// Attempts at the same time with one `HoldKey`.
    private var targetLimit = Int.max
    var failures: FailureWindow

    var lanes: [String: Lane] = [:]
    private(set) var groups: [HoldKey: TargetGroup] = [:]
    var runnable: Deque<TargetGroup> = []
    private var running: [Int64: Lane] = [:]
    var timers = Heap<Timer>()
    var loads: Deque<Lane> = []
    var loading: [Lane] = []
    var lanesWithTail: [Lane] = []
    /// By `TargetBacklog.prefix`.
    var backlogs: [String: TargetBacklog] = [:]
    /// Lanes in `settling`, by the commit that settles them: the next one, and the one under way.
    private var settling: [Lane] = []
    private var settlingNow: [Lane] = []
    /// The last shedding freed nothing; only a commit can change that.
    var shedIsFutile = false

    init(limits: DispatchLimits, storedBeyond: Bool) {
        self.limits = limits
        failures = FailureWindow(limits: limits)
        window = StreamWindow(
            maximumCount: limits.window, maximumBytes: limits.windowBytes, storedBeyond: storedBeyond)
    }

    /// Lanes that wait, and those of held flows or listeners.
    var blockedLanes: Int {
        lanes.count - running.count - groups.values.reduce(0) { $0 + ($1.isQueued || isFull($1) ? $1.ready.count : 0) }
    }
    var knownLanes: Int { lanes.count }
    var isEmpty: Bool { lanes.isEmpty && !window.isPaged && backlogs.isEmpty }
    var heldGroups: [TargetGroup] { groups.values.filter { !$0.hold.isFree } }

    /// Lanes that wait because their rule says so, with why.
    var paused: DispatchStatus.Paused {
        var paused = DispatchStatus.Paused()
        for lane in lanes.values {
            guard let reason = lane.pauseReason else { continue }
            paused.lanes += 1
            // Always the same one of several.
            paused.reason = min(paused.reason ?? reason, reason)
        }
        return paused
    }

    /// Lanes whose next delivery failed and is tried again. Times of the next try are uptime milliseconds.
    var retrying: DispatchStatus.Retrying? {
        var retrying: DispatchStatus.Retrying?
        for lane in lanes.values where lane.pauseReason == nil {
            guard let trouble = lane.trouble else { continue }
            let due: Int64? = if case .waiting(let until) = lane.state { until } else { nil }
            let one = DispatchStatus.Retrying(lanes: 1, reason: trouble.reason, since: trouble.since, nextTry: due)
            retrying = retrying?.and(one) ?? one
        }
        return retrying
    }

    // MARK: What comes in

    /// 0 while no rule file names this destination: deliveries are kept, nothing is tried.
    var concurrency: Int { limit.value }

    /// - Parameters:
    ///   - concurrency: nil closes the queue.
    ///   - targetLimit: attempts at the same time with one `HoldKey`; nil is as many as the queue has.
    func open(_ concurrency: Concurrency?, ofOneTarget targetLimit: Int? = nil, now: Moment) {
        limit.set(concurrency)
        self.targetLimit = targetLimit ?? .max
        for group in groups.values where group.hold.permits(at: now.uptime) { enqueue(group) }
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

    /// Lanes go on after the next commit, whether or not there is something to write.
    var wantsCommit: Bool { !settling.isEmpty }

    /// Lanes go on after the commit under way.
    var isSettling: Bool { !settlingNow.isEmpty }

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
        for prefix in backlogs.keys { backlogs[prefix]?.dropStored() }
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
        if !keepInBacklog(entry) { place(entry, now) }
    }

    /// Into its lane.
    func place(_ entry: OutboxEntry, _ now: Moment) {
        let name = entry.delivery.lane
        let lane: Lane
        if let known = lanes[name] {
            lane = known
        } else {
            lane = Lane(name: name, topic: entry.delivery.origin.topic, loadedThrough: entry.seq - 1)
            lanes[name] = lane
        }
        if lane.hasMore || lane.entries.count >= share(of: lane) {
            lane.hasMore = true
            if entry.storage != .stored { keepInTail(entry, of: lane) }
            return
        }
        lane.append(entry)
        window.entered(entry)
        if lane.state == .idle { makeReady(lane, now) }
    }

    /// Deliveries of a lane in memory, at most.
    private func share(of lane: Lane) -> Int {
        if isBlocked(lane) { return limits.blockedLane }
        let quarter = max(1, limits.window / 4)
        return window.count > limits.window / 2 ? min(limits.busyLane, quarter) : quarter
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

    /// As many of its deliveries are under way as may be. Its lanes are not blocked: they go on with the next answer.
    func isFull(_ group: TargetGroup) -> Bool { group.hold.isFree && group.running >= targetLimit }

    func waitsForItsFlow(_ lane: Lane) -> Bool { lane.state == .ready && lane.group.map(isFull) ?? false }

    // MARK: What goes out

    /// There may be something to try now, as far as this queue knows.
    func mayStart(_ now: Moment) -> Bool {
        inFlight < concurrency && !runnable.isEmpty && hold.permits(at: now.uptime)
    }

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
            lane.isHurried = false
            lane.waitsForReceiver = false
            lane.pauseReason = nil
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

    func enqueue(_ group: TargetGroup) {
        guard !group.isQueued, !group.ready.isEmpty, group.running < targetLimit else { return }
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
        // It is built from its event, which the next commit stores.
        if head.storage != .stored, head.delivery.unrenderedReason != nil {
            return settle(lane, byCommitUnderWay: head.storage == .writing)
        }
        if head.due > now.uptime {
            lane.pauseReason = lane.pauseReason ?? head.standsFor
            return wait(lane, until: head.due)
        }
        let group = group(of: head.delivery.holdKey, known: lane.group)
        lane.group = group
        lane.state = .ready
        group.ready.append(lane)
        enqueue(group)
    }

    private func settle(_ lane: Lane, byCommitUnderWay isUnderWay: Bool = false) {
        lane.state = .settling
        if isUnderWay { settlingNow.append(lane) } else { settling.append(lane) }
    }

    private func group(of target: HoldKey, known: TargetGroup?) -> TargetGroup {
        if let known, !known.isForgotten, known.target == target { return known }
        if let group = groups[target] { return group }
        let group = TargetGroup(target: target)
        groups[target] = group
        return group
    }

    func wait(_ lane: Lane, until due: Int64) {
        lane.noteTrouble()
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
            case .group(let group): probe(group)
            case .destination: wakeProbe(now)
            }
        }
    }

    struct Timer: Comparable {
        enum Target { case lane(Lane), group(TargetGroup), destination }
        let due: Int64
        let target: Target

        static func < (left: Timer, right: Timer) -> Bool { left.due < right.due }
        static func == (left: Timer, right: Timer) -> Bool { left.due == right.due }
    }

    // MARK: Outcomes

    /// The entry whose attempt is under way.
    func attempted(_ seq: Int64) -> OutboxEntry? { running[seq]?.entries.first }

    /// Takes the first delivery out of a lane that waits; what comes after it goes on once that is committed.
    ///
    /// - Returns: nil if no lane in memory waits for it.
    func giveUp(_ id: String) -> OutboxEntry? {
        for lane in lanes.values where lane.entries.first?.delivery.id == id {
            guard case .waiting = lane.state, let entry = lane.entries.first else { return nil }
            lane.removeFirst()
            window.left(entry)
            lane.pauseReason = nil
            settle(lane)
            return entry
        }
        return nil
    }

    /// Ends an attempt. Nothing is left of the entry here if the verdict resolves it.
    ///
    /// - Parameter milliseconds: how long it took; nil when the receiver was not asked.
    /// - Returns: how the holds changed.
    func finish(
        _ seq: Int64, _ verdict: RetryPolicy.Verdict, _ outcome: AttemptOutcome, milliseconds: Int64?, now: Moment,
        policy: RetryPolicy, random: inout Jitter
    ) -> [HoldChange] {
        guard let lane = running.removeValue(forKey: seq), let entry = lane.entries.first, let group = lane.group
        else { preconditionFailure("an attempt that nobody made") }
        if let milliseconds {
            limit.finished(
                milliseconds: milliseconds, isOverload: outcome.isOverload, inFlight: inFlight)
        }
        inFlight -= 1
        group.running -= 1
        lane.state = .idle
        let changes = judge(outcome, lane, group, now, policy, &random)
        lane.isFailing =
            switch verdict {
            case .delivered, .nothing: false
            default: true
            }
        switch verdict {
        case .delivered, .nothing:
            lane.removeFirst()
            window.left(entry)
            makeReady(lane, now)
        case .dead, .dropped:
            lane.removeFirst()
            window.left(entry)
            settle(lane)
        case .wait(let milliseconds):
            entry.due = now.uptime + milliseconds
            lane.waitsForReceiver = outcome.isReceiverFailure && !outcome.isAsked
            // What the sink holds back waits for somebody to mend something.
            if !outcome.note.receiverWasAsked { lane.pauseReason = outcome.note.reason }
            wait(lane, until: entry.due)
        case .pause(let milliseconds):
            entry.due = now.uptime + milliseconds
            lane.pauseReason = outcome.note.reason
            wait(lane, until: entry.due)
        case .hold:
            lane.state = .ready
            group.ready.prepend(lane)
        }
        lane.probesDestination = false
        lane.probesTarget = false
        if group.hold.permits(at: now.uptime) { enqueue(group) }
        if group.isIdle, groups.count > 64 {
            group.isForgotten = true
            groups[group.target] = nil
        }
        if window.isPaged, window.wantsMore { admitTail(now) }
        return changes
    }
}
