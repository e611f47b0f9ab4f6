import Events

/// What can be asked of a destination: `destination.try`. Needs a daemon: without one nothing is held.
package enum DestinationRoutes {
    /// - Parameters:
    ///   - reload: takes secrets that were mended; returns why it could not.
    ///   - recheck: looks again at what is known to take nothing, and lets go on what waits for it.
    package static func make(
        _ outbox: Outbox, reload: @escaping @Sendable () async -> String?,
        recheck: @escaping @Sendable (_ name: String) async -> Void
    ) -> [ControlRoute] {
        [
            ControlRoute("destination.try", isChange: true) { (request: NamedDestination) async throws(ControlError) -> TriedDestination in
                if let problem = await reload() { throw ControlError(.badInput, problem) }
                if let tried = await outbox.tryNow(request.name) {
                    await recheck(request.name)
                    return TriedDestination(tried.before, pausedRuns: tried.pausedRuns)
                }
                let names = await outbox.status().destinations.map(\.name).joined(separator: ", ")
                throw ControlError(
                    .badInput, "there is no destination '\(request.name)'; there is \(names.isEmpty ? "none at all" : names).")
            }
        ]
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
    /// Why runs of its flows were paused, one for each flow.
    @Later package var pausedRuns: [String] = []

    init(_ before: DispatchStatus.Destination, pausedRuns: [String]) {
        self.pausedRuns = pausedRuns
        name = before.name
        pending = before.pending
        waitingLanes = before.blockedLanes
        heldFor = before.hold.map { hold in hold.target.map { "\($0): \(hold.reason)" } ?? hold.reason }
        heldSince = before.hold.map { ControlTime($0.since) }
        isMissing = before.isMissing
    }
}
