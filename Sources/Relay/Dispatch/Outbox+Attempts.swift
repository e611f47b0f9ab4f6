import Events
import Store

extension Outbox {
    /// One attempt for a worker to make.
    struct Assignment: Sendable {
        var seq: Int64
        var delivery: Delivery
        var number: Int
        /// Of the destination.
        var sink: any Sink
        /// Makes the attempt in its stead, for a delivery without a request.
        var unrendered: UnrenderedSink?
        var started: Moment
        /// Uptime after which the attempt hangs.
        var leaseEnd: Int64
    }

    /// A task that makes attempts, and the one it is making. Belongs to the outbox's actor.
    final class Worker {
        let task: Task<Void, Never>
        let route: Route
        var assignment: Assignment

        init(_ task: Task<Void, Never>, _ route: Route, _ assignment: Assignment) {
            self.task = task
            self.route = route
            self.assignment = assignment
        }
    }

    /// Starts as many workers as there is work and concurrency, and whatever else the route waits for.
    ///
    /// - Parameter moment: the clock's, where the caller has just asked it.
    func pump(_ route: Route, _ moment: Moment? = nil) {
        guard !isStopping else { return }
        let now = moment ?? clock.now
        while let assignment = assign(route, now) {
            let worker = nextWorker
            nextWorker += 1
            let task = Task(executorPreference: executors.tasks) { await self.work(worker, assignment) }
            workers[worker] = Worker(task, route, assignment)
        }
        feed(route)
        if route.wantsReads { stir(reads: true, uptime: now.uptime) }
        wake(for: route)
    }

    private func assign(_ route: Route, _ now: Moment) -> Assignment? {
        guard !isStopping, let destination = route.destination else { return nil }
        route.pacedUntil = nil
        guard route.lanes.mayStart(now), route.hasBudget(now), let entry = next(route, now) else { return nil }
        route.takeBudget(now)
        watchLease(until: now.uptime + route.leaseMilliseconds)
        let sink = destination.sink
        let unrendered =
            entry.delivery.unrenderedReason == nil ? nil : UnrenderedSink(sink: sink, renderer: renderer)
        return Assignment(
            seq: entry.seq, delivery: entry.delivery, number: entry.progress.attempts + 1, sink: sink,
            unrendered: unrendered, started: now, leaseEnd: now.uptime + route.leaseMilliseconds)
    }

    /// What repeats a row of the store is no attempt where the row was before it in its lane. Elsewhere it is, since rules
    /// that changed may send it elsewhere by now; unless it has no request, and so no event once the row is gone.
    private func next(_ route: Route, _ now: Moment) -> OutboxEntry? {
        while let entry = route.lanes.next(now) {
            guard entry.isRepeated, entry.isCovered || entry.delivery.unrenderedReason != nil else { return entry }
            var note = AttemptNote(reason: "it came twice")
            note.receiverWasAsked = false
            let changes = route.lanes.finish(
                entry.seq, .nothing(detail: note.reason), .park(note), milliseconds: nil, now: now, policy: policy,
                random: &random)
            resolve(entry, route)
            for change in changes { report(change, of: route, now) }
        }
        return nil
    }

    /// Makes attempts, one after another, as long as there are any.
    private func work(_ worker: Int, _ first: Assignment) async {
        var assignment = first
        while true {
            let sink: any Sink = assignment.unrendered ?? assignment.sink
            let outcome = await sink.attempt(assignment.delivery, number: assignment.number)
            guard let next = finished(worker, assignment, outcome) else { return }
            assignment = next
        }
    }

    private func finished(_ worker: Int, _ assignment: Assignment, _ outcome: AttemptOutcome) -> Assignment? {
        // An attempt that was cancelled by a stop, or given up, says nothing about its receiver any more.
        guard !isAbandoned, let busy = workers[worker] else { return nil }
        let route = busy.route
        let now = clock.now
        conclude(assignment, on: route, outcome, now)
        let next = assign(route, now)
        if let next { busy.assignment = next } else { workers[worker] = nil }
        pump(route, now)
        if next == nil { reportIdle() }
        return next
    }

    func conclude(_ assignment: Assignment, on route: Route, _ outcome: AttemptOutcome, _ now: Moment) {
        let (seq, number, started) = (assignment.seq, assignment.number, assignment.started)
        guard let entry = route.lanes.attempted(seq) else {
            preconditionFailure("an attempt that nobody made")
        }
        // Of a delivery without a request, what was made of it for this attempt.
        let sent = assignment.unrendered?.sent
        let took = max(0, now.uptime - started.uptime)
        observer?.attempted(sent ?? entry.delivery, number: number, outcome: outcome, milliseconds: took, at: now)
        let verdict: RetryPolicy.Verdict
        if case .delivered = outcome {
            verdict = .delivered
        } else {
            record(outcome, number: number, started: started, in: entry, now)
            verdict = policy.verdict(
                on: outcome, progress: entry.progress, limits: entry.delivery.retry,
                elapsed: ages.age(of: entry.progress.firstAttemptAt ?? now.wall, at: now), random: &random)
        }
        let wasAsked = outcome.note.receiverWasAsked && entry.delivery.unrenderedReason == nil
        let changes = route.lanes.finish(
            seq, verdict, outcome, milliseconds: wasAsked ? took : nil, now: now, policy: policy, random: &random)
        settle(entry, verdict, route, outcome, sent, now)
        for change in changes { report(change, of: route, now) }
        reportRoom()
        if route.lanes.wantsCommit { ledger.want() }
        if ledger.isDirty { stir(uptime: now.uptime) }
    }

    private func record(
        _ outcome: AttemptOutcome, number: Int, started: Moment, in entry: OutboxEntry, _ now: Moment
    ) {
        let note = outcome.note
        let isHeld = if case .hold = outcome { true } else { false }
        entry.progress.append(
            AttemptRecord(
                number: number, at: now.wall, status: note.status, reason: note.reason,
                excerpt: note.excerpt, possibleDuplicate: note.possibleDuplicate, headers: note.headers),
            startedAt: started.wall, held: isHeld || !note.receiverWasAsked)
    }

    /// Writes down what a verdict means for its delivery.
    private func settle(
        _ entry: OutboxEntry, _ verdict: RetryPolicy.Verdict, _ route: Route, _ outcome: AttemptOutcome,
        _ sent: Delivery?, _ now: Moment
    ) {
        switch verdict {
        case .delivered:
            route.counters.delivered += 1
            resolve(entry, route)
        case .wait(let milliseconds):
            route.counters.failedAttempts += 1
            entry.progress.nextAttemptAt = now.wall + milliseconds
            ledger.changed(entry)
            route.log.failed(
                route.name, entry.delivery, outcome.note, wait: milliseconds, now: now, labels: labels, logger: logger)
        case .pause(let milliseconds):
            route.counters.failedAttempts += 1
            entry.progress.nextAttemptAt = now.wall + milliseconds
            ledger.changed(entry)
            route.log.paused(route.name, entry.delivery, outcome.note, now: now, logger: logger)
            route.pausesOnRecord = nil
        case .hold:
            route.counters.failedAttempts += 1
            entry.progress.nextAttemptAt = nil
            ledger.changed(entry)
        case .dead(let reason, let detail):
            let delivery = sent ?? entry.delivery
            die(entry, as: delivery, route, delivery.unrenderedReason == nil ? reason : .rendering, detail, now)
        case .nothing(let detail):
            logger.debug("delivery \(entry.delivery.id) to \(route.name) is not made: \(detail)")
            resolve(entry, route)
        case .dropped(let detail):
            route.counters.dropped += 1
            logger.warning("delivery \(entry.delivery.id) to \(route.name) dropped, as its rule says: \(detail)")
            resolve(entry, route)
        }
    }

    /// - Parameter delivery: with the request that was sent last.
    func die(
        _ entry: OutboxEntry, as delivery: Delivery? = nil, _ route: Route, _ reason: DeadLetter.Reason,
        _ detail: String, _ now: Moment
    ) {
        route.died(entry.delivery, detail)
        resolve(
            entry, route,
            deadLetter: DeadLetter(
                delivery: delivery ?? entry.delivery, reason: reason, detail: detail, attempts: entry.progress.attempts,
                history: entry.progress.history, diedAt: now.wall))
    }

    func resolve(_ entry: OutboxEntry, _ route: Route, deadLetter: DeadLetter? = nil) {
        if !entry.isRepeated { route.pending -= 1 }
        route.intake.resolved(entry)
        if !route.intakeWaiters.isEmpty, !route.isWorthWaiting { route.resumeIntake() }
        ledger.resolve(entry, deadLetter: deadLetter)
        if !whenResolved.isEmpty, let ended = whenResolved.removeValue(forKey: entry.delivery.id) { end(ended) }
    }

    private func report(_ change: HoldChange, of route: Route, _ now: Moment) {
        route.log.changed(route.name, change, now: now, logger: logger)
        route.pausesOnRecord = nil
        guard let hold = route.status(now: now).hold else { return ledger.set(nil, of: route.name) }
        ledger.set(
            DestinationState(
                destination: route.name, state: hold.nextTry == nil ? "probing" : "held",
                detail: hold.target.map { "\($0): \(hold.reason)" } ?? hold.reason, since: hold.since,
                nextTry: hold.nextTry), of: route.name)
    }

    /// Lanes that stand are told by the store as well, for a `status` after the relay has ended.
    func recordPauses(of route: Route) {
        guard route.pausesOnRecord != DispatchStatus.Paused(), route.lanes.hold.isFree else { return }
        let paused = route.lanes.paused
        guard paused != route.pausesOnRecord else { return }
        route.pausesOnRecord = paused
        ledger.set(
            paused.lanes == 0
                ? nil
                : DestinationState(
                    destination: route.name, state: "paused", detail: paused.words, since: clock.wall(), nextTry: nil),
            of: route.name)
    }

    // MARK: Timers

    /// Makes sure that somebody looks when the route's next lane or hold is due.
    private func wake(for route: Route) {
        guard let due = route.wake, due < wakeAt ?? .max else { return }
        wakeTask?.cancel()
        wakeAt = due
        wakeTask = Task {
            do { try await clock.sleep(untilUptime: due) } catch { return }
            advance(due)
        }
    }

    private func advance(_ due: Int64) {
        guard !isAbandoned, !isStopping, wakeAt == due else { return }
        wakeAt = nil
        let now = clock.now
        for route in routes.values {
            route.lanes.advance(now)
            pump(route)
        }
    }
}
