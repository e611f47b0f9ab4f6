import Events
import Store

extension Outbox: BatchOutbox {
    package func close(
        _ claims: [String], into delivery: Delivery, ended: @escaping @Sendable () async -> Void
    ) {
        guard !isAbandoned else { return }
        var isKnown = false
        for route in routes.values {
            for entry in claims.flatMap(route.claims.remove) {
                isKnown = true
                resolve(entry, route)
            }
        }
        // Claims that an operator took away meanwhile leave nothing to deliver.
        guard isKnown else { return end(ended) }
        whenResolved[delivery.id] = ended
        offer([delivery])
        reportRoom()
    }

    package func dropped(_ ids: [String], note: AttemptNote) {
        finish(ids) { entry, route, _ in drop(entry, route, note) }
    }

    func drop(_ entry: OutboxEntry, _ route: Route, _ note: AttemptNote) {
        route.counters.dropped += 1
        logger.warning("gathered event \(entry.delivery.id) dropped, as its rule says: \(note.words)")
        resolve(entry, route)
    }

    func end(_ ended: @escaping @Sendable () async -> Void) { Task { await ended() } }
}
