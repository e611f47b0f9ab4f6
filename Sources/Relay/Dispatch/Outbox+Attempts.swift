import Events
import Store

extension Outbox {
    /// One attempt for a worker to make.
    struct Assignment: Sendable {
        var destination: String
        var seq: Int64
        var delivery: Delivery
        var number: Int
        var sink: any Sink
        var startedAt: Int64
    }

    /// Starts as many workers as there is work and concurrency, and whatever else the route waits for.
    func pump(_ route: Route) {
        guard !isStopping else { return }
        let now = clock.now
        while let assignment = assign(route, now) {
            let worker = nextWorker
            nextWorker += 1
            workers[worker] = Task { await self.work(worker, assignment) }
        }
        feed(route)
        if route.wantsReads { stir(reads: true) }
        wake(for: route)
    }

    private func assign(_ route: Route, _ now: Moment) -> Assignment? {
        guard !isStopping, let sink = route.destination?.sink, let entry = route.lanes.next(now) else { return nil }
        return Assignment(
            destination: route.name, seq: entry.seq, delivery: entry.delivery,
            number: entry.progress.attempts + 1, sink: sink, startedAt: now.wall)
    }

    /// Makes attempts, one after another, as long as there are any: one visit to the actor for each.
    nonisolated private func work(_ worker: Int, _ first: Assignment) async {
        var assignment = first
        while true {
            let outcome = await assignment.sink.attempt(assignment.delivery, number: assignment.number)
            guard let next = await finished(worker, assignment, outcome) else { return }
            assignment = next
        }
    }

    private func finished(_ worker: Int, _ assignment: Assignment, _ outcome: AttemptOutcome) -> Assignment? {
        // An attempt that was cancelled by a stop says nothing about its receiver: it is made again after the next start.
        guard !isAbandoned, workers[worker] != nil, let route = routes[assignment.destination] else { return nil }
        let now = clock.now
        observer?.attempted(
            assignment.delivery, number: assignment.number, outcome: outcome,
            milliseconds: max(0, now.wall - assignment.startedAt))
        conclude(route, assignment, outcome, now)
        reportRoom()
        if ledger.isDirty { stir() }
        let next = assign(route, now)
        if next == nil { workers[worker] = nil }
        pump(route)
        if next == nil { reportIdle() }
        return next
    }

    private func conclude(_ route: Route, _ assignment: Assignment, _ outcome: AttemptOutcome, _ now: Moment) {
        guard let entry = route.lanes.attempted(assignment.seq) else {
            preconditionFailure("an attempt that nobody made")
        }
        let note = outcome.note
        let isDelivered = if case .delivered = outcome { true } else { false }
        if !isDelivered { record(outcome, of: assignment, in: entry, now) }
        let verdict = policy.verdict(
            on: outcome, progress: entry.progress, limits: entry.delivery.retry, wall: now.wall, random: &random)
        let changes = route.lanes.finish(
            assignment.seq, verdict, note: note, now: now, policy: policy, random: &random)
        settle(entry, verdict, route, note, now)
        for change in changes { report(change, of: route, now) }
    }

    private func record(
        _ outcome: AttemptOutcome, of assignment: Assignment, in entry: OutboxEntry, _ now: Moment
    ) {
        let note = outcome.note
        let isHeld = if case .hold = outcome { true } else { false }
        entry.progress.append(
            AttemptRecord(
                number: assignment.number, at: now.wall, status: note.status, reason: note.reason,
                excerpt: note.excerpt, possibleDuplicate: note.possibleDuplicate),
            startedAt: assignment.startedAt, held: isHeld)
    }

    /// Writes down what a verdict means for its delivery.
    private func settle(
        _ entry: OutboxEntry, _ verdict: RetryPolicy.Verdict, _ route: Route, _ note: AttemptNote, _ now: Moment
    ) {
        switch verdict {
        case .delivered:
            route.counters.delivered += 1
            resolve(entry, route)
        case .wait(let milliseconds):
            route.counters.failedAttempts += 1
            entry.progress.nextAttemptAt = now.wall + milliseconds
            ledger.changed(entry)
            route.log.failed(route.name, note, wait: milliseconds, now: now, logger: logger)
        case .hold:
            route.counters.failedAttempts += 1
            entry.progress.nextAttemptAt = nil
            ledger.changed(entry)
        case .dead(let reason, let detail):
            die(entry, route, reason, detail, now)
        case .dropped(let detail):
            route.counters.dropped += 1
            logger.warning("delivery \(entry.delivery.id) to \(route.name) dropped, as its rule says: \(detail)")
            resolve(entry, route)
        }
    }

    func die(
        _ entry: OutboxEntry, _ route: Route, _ reason: DeadLetter.Reason, _ detail: String, _ now: Moment
    ) {
        route.counters.deadLetters += 1
        route.log.died(detail)
        resolve(
            entry, route,
            deadLetter: DeadLetter(
                delivery: entry.delivery, reason: reason, detail: detail, attempts: entry.progress.attempts,
                history: entry.progress.history, diedAt: now.wall))
    }

    func resolve(_ entry: OutboxEntry, _ route: Route, deadLetter: DeadLetter? = nil) {
        route.pending -= 1
        ledger.resolve(entry, deadLetter: deadLetter)
    }

    private func report(_ change: HoldChange, of route: Route, _ now: Moment) {
        route.log.changed(route.name, change, now: now, logger: logger)
        guard let hold = route.status(now: now).hold else { return ledger.set(nil, of: route.name) }
        ledger.set(
            DestinationState(
                destination: route.name, state: hold.nextTry == nil ? "probing" : "held",
                detail: hold.target.map { "\($0): \(hold.reason)" } ?? hold.reason, since: hold.since,
                nextTry: hold.nextTry), of: route.name)
    }

    // MARK: Timers

    /// Makes sure that somebody looks when the route's next lane or hold is due.
    private func wake(for route: Route) {
        guard let due = route.lanes.wake, due < wakeAt ?? .max else { return }
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
