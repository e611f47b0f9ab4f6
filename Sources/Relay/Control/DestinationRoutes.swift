import Events
import Store

/// What can be asked of a destination: `destination.try`. Needs a daemon: without one nothing is held.
package enum DestinationRoutes {
    /// - Parameter reload: takes secrets that were mended.
    package static func make(_ outbox: Outbox, reload: @escaping @Sendable () async -> Void) -> [ControlRoute] {
        [
            ControlRoute("destination.try") { (request: NamedDestination) async throws(ControlError) -> TriedDestination in
                await reload()
                if let before = await outbox.tryNow(request.name) { return TriedDestination(before) }
                let names = await outbox.status().destinations.map(\.name).joined(separator: ", ")
                throw ControlError(
                    .badInput, "there is no destination '\(request.name)'; there is \(names.isEmpty ? "none at all" : names).")
            }
        ]
    }
}

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
                    let last = row.progress.lastError ?? row.delivery.unrenderedReason
                    group.deadLetters.append(
                        DeadLetter(
                            delivery: row.delivery, reason: row.delivery.unrenderedReason == nil ? .rejected : .rendering,
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

package struct NamedDestination: Sendable, Codable {
    package var name: String

    package init(name: String) { self.name = name }
}

/// How a destination was when somebody had it tried.
package struct TriedDestination: Sendable, Codable {
    package var name: String
    package var pending: Int
    /// Lanes that waited, each for its own next try.
    package var waitingLanes: Int
    /// Why it was held; nil if it was not.
    package var heldFor: String?
    /// Epoch milliseconds.
    package var heldSince: ControlTime?
    /// No rule file names it.
    package var isMissing: Bool

    init(_ before: DispatchStatus.Destination) {
        name = before.name
        pending = before.pending
        waitingLanes = before.blockedLanes
        heldFor = before.hold.map { hold in hold.target.map { "\($0): \(hold.reason)" } ?? hold.reason }
        heldSince = before.hold.map { ControlTime($0.since) }
        isMissing = before.isMissing
    }
}
