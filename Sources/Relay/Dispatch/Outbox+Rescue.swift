import Events
import Logging
import Store

/// The rescuer: takes back the deliveries of attempts that hang. Sinks keep a deadline of their own, so this is for
/// those whose deadline did not hold, whatever the reason; without it their lanes would stand for ever.
extension Outbox {
    /// Sees to it that somebody looks at `uptime`. Most attempts are long over by then: one timer serves all of them.
    func watchLease(until uptime: Int64) {
        guard uptime < rescueAt ?? .max else { return }
        rescueTask?.cancel()
        rescueAt = uptime
        rescueTask = Task {
            do { try await clock.sleep(untilUptime: uptime) } catch { return }
            rescue(uptime)
        }
    }

    private func rescue(_ due: Int64) {
        guard !isAbandoned, rescueAt == due else { return }
        rescueAt = nil
        let now = clock.now
        // The whole process stood still (a suspended machine, SIGSTOP): the sinks' own deadlines come first.
        guard now.uptime - due < limits.rescueGrace else { return watchLease(until: now.uptime + limits.rescueGrace) }
        for (id, worker) in workers where worker.assignment.leaseEnd <= now.uptime { giveUp(id, worker, now) }
        if let next = workers.values.map(\.assignment.leaseEnd).min() { watchLease(until: next) }
        reportIdle()
    }

    private func giveUp(_ id: Int, _ worker: Worker, _ now: Moment) {
        let route = worker.route
        workers[id] = nil
        worker.task.cancel()
        let seconds = (now.uptime - worker.assignment.started.uptime) / 1000
        let delivery = route.lanes.attempted(worker.assignment.seq)?.delivery.id ?? ""
        logger.error(
            """
            an attempt to deliver \(delivery) to \(route.name) hung for \(seconds) s and was given up; it \
            is made again with the same ID
            """)
        let note = AttemptNote(
            reason: "the attempt hung for \(seconds) s, longer than its deadline allows", possibleDuplicate: true)
        conclude(worker.assignment, on: route, .retry(note, after: nil), now)
        pump(route)
    }

    /// Attempts that a stop breaks off may have reached their receiver: that stays on record.
    func cutOff(_ worker: Worker, _ now: Moment) {
        guard let entry = worker.route.lanes.attempted(worker.assignment.seq) else { return }
        entry.progress.append(
            AttemptRecord(
                number: worker.assignment.number, at: now.wall, status: nil,
                reason: "broken off when the relay was stopped", possibleDuplicate: true),
            startedAt: worker.assignment.started.wall, held: true)
        ledger.changed(entry)
    }

    /// Puts deliveries that wait, such as those that make their lane stand, to the dead letters, and lets their lanes
    /// go on. One that is being tried at this moment, or that is behind others in its lane, is left as it is.
    ///
    /// - Parameter reason: who decided so: `given up by an operator`.
    /// - Returns: those that were given up.
    package func giveUp(_ ids: [String], reason: String) -> [String] {
        guard !isAbandoned else { return [] }
        let now = clock.now
        var given: [String] = []
        for route in routes.values {
            for id in ids {
                guard let entry = route.lanes.giveUp(id) else { continue }
                let why = entry.progress.lastError ?? entry.delivery.unrenderedReason
                die(
                    entry, route, entry.delivery.unrenderedReason == nil ? .rejected : .rendering,
                    why.map { "\(reason); \($0)" } ?? reason, now)
                given.append(id)
            }
        }
        reportRoom()
        if ledger.isDirty { stir() }
        return given
    }

    /// For an operator who knows that a receiver is back: what waits for it goes on at once, a hold by its probe.
    ///
    /// - Returns: how it was until then, and why its flow runs were paused; nil for a destination that nothing names.
    package func tryNow(_ destination: String) async -> (before: DispatchStatus.Destination, pausedRuns: [String])? {
        guard let route = routes[destination] else { return nil }
        let before = route.status(now: clock.now)
        logger.notice("\(destination) is tried now, as an operator asked")
        hurry(destination)
        return (before, await route.destination?.collector?.tryNow() ?? [])
    }

    /// Lets lanes that wait go on at once: for one destination, or all. For rules that were mended, and for people who
    /// know that a receiver is back. A hold is probed at once; where all are meant, not one whose length was asked for.
    package func hurry(_ destination: String? = nil) {
        let now = clock.now
        for route in routes.values where destination == nil || route.name == destination {
            route.lanes.hurry(now, &random) { _ in true }
            route.lanes.probeNow(now, evenAsked: destination != nil)
            pump(route)
        }
    }
}
