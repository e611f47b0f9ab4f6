import Events
import FoundationEssentials
import Store

/// Questions about backfills: `backfill.start`, `backfill.list`, `backfill.show`, `backfill.pause`, `backfill.resume`,
/// `backfill.cancel`.
package enum BackfillRoutes {
    /// - Parameters:
    ///   - topics: that the configuration subscribes to.
    ///   - service: nil while no daemon runs; what is asked for then starts with the next one.
    package static func make(
        store: Store, topics: [Cursor.Key], rules: CurrentRules, service: BackfillService?, time: TimeSource = .system
    ) -> [ControlRoute] {
        let desk = BackfillDesk(store: store, topics: topics, rules: rules, service: service, time: time)
        return [
            ControlRoute("backfill.start", isChange: true) { (request: BackfillRequest) async throws(ControlError) in
                try await desk.start(request)
            },
            ControlRoute("backfill.list") { (_: BackfillListRequest) async throws(ControlError) in
                try await desk.list()
            },
            ControlRoute("backfill.show") { (request: NamedBackfill) async throws(ControlError) in
                try await desk.view(desk.record(request.id))
            },
            ControlRoute("backfill.pause", isChange: true) { (request: NamedBackfill) async throws(ControlError) in
                try await desk.end(request.id, as: .paused, "paused by an operator")
            },
            ControlRoute("backfill.resume", isChange: true) { (request: NamedBackfill) async throws(ControlError) in
                try await desk.resume(request.id)
            },
            ControlRoute("backfill.cancel", isChange: true) { (request: NamedBackfill) async throws(ControlError) in
                try await desk.end(request.id, as: .cancelled, "cancelled by an operator")
            },
        ]
    }
}

/// What an operator asks to be read.
package struct BackfillRequest: Sendable, Equatable, Codable {
    /// API name.
    package var entity: String
    /// Needed where the configuration has several.
    package var org: String?
    /// For events that stand for the records; by default the object's own, or the channel that is subscribed to.
    package var topic: String?
    /// SOQL, without `WHERE`.
    package var filter: String?
    /// Records each second, at most.
    package var rate: Double?
    /// Only deliveries of these rules, and to these destinations; empty means all.
    package var rules: [String] = []
    package var destinations: [String] = []

    package init(entity: String) { self.entity = entity }
}

package struct BackfillListRequest: Sendable, Codable {
    package init() {}
}

/// Names a backfill, or begins its name.
package struct NamedBackfill: Sendable, Codable {
    package var id: String

    package init(id: String) { self.id = id }
}

/// A backfill as people see it.
package struct BackfillView: Sendable, Codable {
    package var id: String
    package var kind: BackfillPlan.Kind
    package var org: String
    package var entity: String
    package var topic: String
    package var filter: String?
    package var since: ControlTime?
    package var cause: String
    package var state: BackfillRecord.State
    package var detail: String
    package var createdAt: ControlTime
    package var updatedAt: ControlTime
    package var records: Int
    package var deleted: Int
    package var deliveries: Int
    package var failures: Int
    /// That have to be read again, since they had just changed.
    package var late: Int
    /// Records there were at the beginning, where it could be counted.
    package var expected: Int?
    /// Events that were dropped as older than their records, since the relay was started; nil without one.
    package var dropped: Int?
    package var rate: Double?
    package var rules: [String]
    package var destinations: [String]
    /// An estimate; nil where nothing tells.
    package var secondsLeft: Int?
    /// It runs, or starts at once.
    package var isRunning: Bool

    /// How much of it is done, 0…1; nil where nothing tells.
    package var fraction: Double? {
        if state == .done { return 1 }
        guard let expected, expected > 0 else { return nil }
        return min(1, Double(records) / Double(expected))
    }
}
