import Events
import Store

extension Outbox: DeliveryOutcomes {
    package func delivered(_ ids: [String]) { delivered(ids, report: "covered by a run") }

    package func delivered(_ ids: [String], report: String) {
        finish(ids) { entry, route, now in
            route.counters.delivered += 1
            observer?.attempted(
                entry.delivery, number: 1, outcome: .delivered(AttemptNote(reason: report)), milliseconds: 0, at: now)
            resolve(entry, route)
        }
    }

    package func dead(_ ids: [String], note: AttemptNote) {
        finish(ids) { entry, route, now in
            guard entry.delivery.retry.onError != .drop else { return drop(entry, route, note) }
            entry.progress.append(
                AttemptRecord(
                    number: entry.progress.attempts + 1, at: now.wall, status: note.status, reason: note.reason,
                    excerpt: note.excerpt, possibleDuplicate: note.possibleDuplicate), startedAt: now.wall)
            die(entry, route, .rejected, note.words, now)
        }
    }

    func finish(_ ids: [String], _ body: (OutboxEntry, Route, Moment) -> Void) {
        guard !isAbandoned else { return }
        let now = clock.now
        for route in routes.values {
            var found = false
            for id in ids {
                for entry in route.claims.remove(id) {
                    found = true
                    body(entry, route, now)
                }
            }
            if found { pump(route) }
        }
        reportRoom()
        if ledger.isDirty { stir() }
    }

    /// Gives claims to the collector, one after another in stream order.
    func feed(_ route: Route) {
        guard !route.isFeeding, route.destination != nil, let first = route.claims.next() else { return }
        route.isFeeding = true
        let name = route.name
        let delivery = first.delivery
        Task {
            var next: Delivery? = delivery
            while let claim = next {
                await collector(of: claim)?.add(claim)
                next = nextClaim(name)
            }
        }
    }

    private func collector(of claim: Delivery) -> (any RunCollector)? {
        if case .batch = claim.target { return gatherer }
        return routes[claim.destination]?.destination?.collector
    }

    private func nextClaim(_ name: String) -> Delivery? {
        guard let route = routes[name] else { return nil }
        guard !isStopping, let entry = route.claims.next() else {
            route.isFeeding = false
            return nil
        }
        return entry.delivery
    }
}

/// The store keeps the state of collectors.
extension Store: RunJournal {
    package func runStates(of destination: String) async throws -> [String: [UInt8]] {
        try await flowRunStates(of: destination)
    }

    package func saveRunState(_ json: [UInt8], destination: String, flow: String) async throws {
        try await saveFlowRunState(json, destination: destination, flow: flow)
    }
}
