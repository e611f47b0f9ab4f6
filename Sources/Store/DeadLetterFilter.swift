/// Which dead letters, or which quarantined events, are meant. What is nil or empty does not restrict.
package struct DeadLetterFilter: Sendable, Equatable, Codable {
    /// Delivery IDs, or their beginnings, of dead letters; numbers of quarantined events.
    package var ids: [String] = []
    package var rule: String?
    package var destination: String?
    /// A `DeadLetter.Reason`.
    package var reason: String?
    package var topic: String?
    /// The alias of an org, or its ID; in the store, of a dead letter its ID and of a quarantined event its alias.
    package var org: String?
    /// Put aside at this time or later, epoch milliseconds.
    package var since: Int64?
    /// Put aside before this.
    package var before: Int64?
    package var limit: Int?

    package init(ids: [String] = []) { self.ids = ids }

    /// Nothing restricts it: all are meant.
    package var isEverything: Bool { self == DeadLetterFilter() }

    /// Beyond this many, SQLite's expressions would become too deep; and nobody types that many.
    package static let maximumIDs = 500
}

/// A dead letter as the table holds it.
package struct StoredDeadLetter: Sendable, Equatable {
    /// Its place in the order in which deliveries died first.
    package var ordinal: Int64
    package var letter: DeadLetter
    /// It is being made a delivery again at this moment.
    package var isResending: Bool
}

/// A quarantined event as the table holds it.
package struct StoredQuarantinedEvent: Sendable, Equatable {
    package var id: Int64
    package var event: QuarantinedEvent
    package var isResending: Bool
}
