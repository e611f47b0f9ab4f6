import Events
import Store

/// What a backfill reads, and for whom. Stored with it.
package struct BackfillPlan: Sendable, Equatable, Codable {
    package enum Kind: String, Sendable, Codable {
        /// Records as they are now, as if they were created now.
        case snapshot
        /// What changed in a time whose events do not tell: records as gap events that were read back, and deletes.
        case reread
    }

    package var kind = Kind.snapshot
    package var org: String
    package var entity: String
    /// That of the events that stand for the records.
    package var topic: String
    /// SOQL, without `WHERE`.
    package var filter: String?
    /// Of a re-read: only what was modified then or later; epoch milliseconds.
    package var since: Int64?
    /// Records each second, at most.
    package var rate: Double?
    /// Only deliveries of these rules, and to these destinations; empty means all.
    package var rules: [String] = []
    package var destinations: [String] = []
    /// The configuration asks for it (`snapshot: true`), so it is made once.
    package var isConfigured = false
    /// Why, for people: `GAP_OVERFLOW at …`.
    package var cause = ""

    package init(org: String, entity: String, topic: String) {
        self.org = org
        self.entity = entity
        self.topic = topic
    }

    package var subject: SnapshotSubject { SnapshotSubject(org: org, entity: entity) }

    func wants(rule: String, destination: String) -> Bool {
        (rules.isEmpty || rules.contains(rule)) && (destinations.isEmpty || destinations.contains(destination))
    }

    /// For people: `snapshot of Account`.
    package var title: String { kind == .snapshot ? "snapshot of \(entity)" : "re-read of \(entity)" }
}
