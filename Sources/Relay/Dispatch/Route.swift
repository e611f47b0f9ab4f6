import Events

/// A destination inside the outbox: its queues and what is known about it. Belongs to the outbox's actor.
final class Route {
    let name: String
    /// Nil while no rule file names the destination.
    private(set) var destination: DispatchDestination?
    /// Of `destination`; worked out once, since every attempt asks.
    private(set) var leaseMilliseconds: Int64 = 0
    let lanes: LaneQueue
    let claims: ClaimQueue
    var counters = DispatchCounters()
    /// In memory and in the store.
    var pending = 0
    /// Uptime at which its budgets allow the next attempt; nil while nothing waits for them.
    var pacedUntil: Int64?
    /// It was said that no rule file names it, in the log and in the store.
    var isToldMissing = false
    /// The collector is being fed.
    var isFeeding = false
    var log = RouteLog()
    /// Lanes that stand, as the store has it; nil when that is to be written anew.
    var pausesOnRecord: DispatchStatus.Paused? = DispatchStatus.Paused()
    var intake = Intake()
    /// Batches whose `accept` waits until less is at hand here.
    var intakeWaiters: [CheckedContinuation<Void, Never>] = []

    /// - Parameter claimGroups: those of the stored claims.
    init(
        name: String, limits: DispatchLimits, storedLanes: Int = 0, storedClaims: Int = 0, claimGroups: [String] = []
    ) {
        self.name = name
        lanes = LaneQueue(limits: limits, storedBeyond: storedLanes > 0)
        claims = ClaimQueue(limits: limits, stored: claimGroups)
        pending = storedLanes + storedClaims
    }

    func open(_ destination: DispatchDestination?, now: Moment) {
        // Claims that another collector held are for this one, from the first on.
        if !isSame(self.destination?.collector, destination?.collector) { claims.close() }
        self.destination = destination
        leaseMilliseconds = destination?.lease.milliseconds ?? 0
        lanes.open(destination?.concurrency, ofOneTarget: destination?.targetConcurrency, now: now)
        if destination == nil { claims.close() } else { claims.open() }
    }

    private func isSame(_ old: (any RunCollector)?, _ new: (any RunCollector)?) -> Bool {
        switch (old, new) {
        case (nil, nil): true
        case (let old?, let new?): (old as AnyObject) === (new as AnyObject)
        default: false
        }
    }

    func offer(_ entry: OutboxEntry, now: Moment) {
        pending += 1
        intake.accepted()
        if entry.delivery.isGathered { claims.offer(entry) } else { lanes.offer(entry, now: now) }
    }

    /// A delivery goes to the dead letters, or could not even be built.
    func died(_ delivery: Delivery, _ detail: String) {
        counters.deadLetters += 1
        log.died(delivery, detail)
    }

    /// It pays to wait for this destination before more is taken in.
    var isWorthWaiting: Bool { intake.isWorthWaiting(concurrency: lanes.concurrency) }

    func resumeIntake() {
        for waiter in intakeWaiters { waiter.resume() }
        intakeWaiters.removeAll()
    }

    func committing() {
        lanes.committing()
        intake.committing()
        resumeIntake()
    }

    func committed(_ now: Moment) {
        lanes.committed(now)
        claims.committed()
    }

    /// Whether the budgets allow an attempt now; if not, `pacedUntil` says when.
    func hasBudget(_ now: Moment) -> Bool {
        guard let budgets = destination?.budgets, !budgets.isEmpty else { return true }
        let wait = budgets.map { $0.wait(now: now.uptime) }.max() ?? 0
        if wait > 0 { pacedUntil = now.uptime + wait }
        return wait == 0
    }

    func takeBudget(_ now: Moment) {
        for budget in destination?.budgets ?? [] { budget.take(now: now.uptime) }
    }

    /// Uptime at which there is something to do.
    var wake: Int64? {
        guard let pacedUntil else { return lanes.wake }
        return min(pacedUntil, lanes.wake ?? pacedUntil)
    }

    /// Nothing waits, in memory or in the store.
    var isEmpty: Bool { lanes.isEmpty && claims.isEmpty }

    var wantsReads: Bool { lanes.wantsReads || claims.wantsReads }

    func status(now: Moment) -> DispatchStatus.Destination {
        DispatchStatus.Destination(
            name: name, pending: pending, inFlight: lanes.inFlight, blockedLanes: lanes.blockedLanes,
            paused: lanes.paused, retrying: retrying(now: now), hold: hold(now: now), breaker: breaker(now: now),
            concurrency: DispatchStatus.Concurrency(now: lanes.concurrency, isAdaptive: lanes.limit.isAdaptive),
            pace: pace(now: now), isMissing: destination == nil, delivered: counters.delivered,
            failedAttempts: counters.failedAttempts, deadLetters: counters.deadLetters, dropped: counters.dropped)
    }

    private func retrying(now: Moment) -> DispatchStatus.Retrying? {
        guard var retrying = lanes.retrying else { return nil }
        retrying.nextTry = wall(retrying.nextTry, now)
        return retrying
    }

    private func breaker(now: Moment) -> DispatchStatus.Breaker {
        let state: DispatchStatus.Breaker.State =
            switch lanes.hold.phase {
            case .free: .closed
            case .held: .open
            case .probing: .halfOpen
            }
        guard state != .closed else { return DispatchStatus.Breaker() }
        return DispatchStatus.Breaker(
            state: state, reason: lanes.hold.reason, since: lanes.hold.since, nextTry: wall(lanes.hold.until, now))
    }

    private func pace(now: Moment) -> DispatchStatus.Pace? {
        guard let budgets = destination?.budgets, !budgets.isEmpty else { return nil }
        let pause = budgets.map { $0.pause(now: now.uptime) }.max() ?? 0
        return DispatchStatus.Pace(
            rate: budgets.compactMap(\.rate).min(), pausedUntil: pause > 0 ? now.wall + pause : nil)
    }

    private func wall(_ uptime: Int64?, _ now: Moment) -> Int64? { uptime.map { now.wall + max(0, $0 - now.uptime) } }

    /// Of several, that of the whole destination, or else the first by name.
    private func hold(now: Moment) -> DispatchStatus.Hold? {
        let group = lanes.heldGroups.min { $0.key < $1.key }
        let hold = lanes.hold.isFree ? group?.hold : lanes.hold
        guard let hold else { return nil }
        return DispatchStatus.Hold(
            target: lanes.hold.isFree ? group?.key : nil, reason: hold.reason, since: hold.since,
            nextTry: wall(hold.until, now))
    }
}
