import Events
import Store

/// What a destination that is left behind waits for, put to the dead letters. Only while no relay runs.
package enum DestinationLeftovers {
    static let page = 500

    /// - Returns: how many deliveries.
    package static func giveUp(_ name: String, in store: Store, time: TimeSource) async throws(StoreError) -> Int {
        var count = 0
        for isGathered in [false, true] {
            while true {
                let read = OutboxRead(destination: name, isGathered: isGathered, after: 0, limit: page)
                let rows = try await store.pending([read])[0]
                guard !rows.isEmpty else { break }
                var group = CommitGroup()
                for row in rows {
                    group.removed.append(row.seq)
                    let unrendered = row.delivery.unrenderedReason
                    let last = row.progress.lastError ?? unrendered
                    group.deadLetters.append(
                        DeadLetter(
                            // What was never built has no request to send again: it is built first.
                            delivery: row.delivery, reason: unrendered == nil ? .dropped : .rendering,
                            detail: "given up by an operator" + (last.map { "; \($0)" } ?? ""),
                            attempts: row.progress.attempts, history: row.progress.history, diedAt: time.wall()))
                }
                group.destinationStates[name] = .some(nil)
                try await store.commit(group, wall: time.wall())
                count += rows.count
            }
        }
        return count
    }
}
