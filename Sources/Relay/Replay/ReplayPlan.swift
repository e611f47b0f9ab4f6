import Events
import Store

/// A request with everything looked up: what exactly is read, and from where. Stored with the replay.
package struct ReplayPlan: Sendable, Equatable, Codable {
    package enum Source: String, Sendable, Codable {
        case salesforce, journal
        /// The requests that were kept when they were acknowledged.
        case sent
    }

    package struct Topic: Sendable, Equatable, Codable {
        package var org: String
        package var topic: String
        package var source: Source
        /// Of the journal, or of the kept requests: start in this row, after so many of its events …
        package var firstRow: Int64 = 0
        package var eventOffset = 0
        /// … and end with this row, inclusive.
        package var lastRow: Int64 = 0
        /// From Salesforce: after this event, base64; nil means the earliest retained one.
        package var after: String?
        /// From Salesforce: this event, base64, was the last one when the replay was asked for.
        package var last: String?
        /// Commit times, epoch milliseconds: from `since` on, before `until`.
        package var since: Int64?
        package var until: Int64?
        /// From Salesforce: an event committed then is certainly behind the end.
        package var stopTime: Int64?
        /// Where it can be counted: an upper bound.
        package var expectedEvents: Int?

        package func key(of replay: String) -> Cursor.Key { Cursor.Key(org: org, topic: topic, scope: .replay(replay)) }
        package var liveKey: Cursor.Key { Cursor.Key(org: org, topic: topic) }
    }

    package var topics: [Topic]
    package var rules: [String]
    package var destinations: [String]
    package var limit: Int?
    package var rate: Double?
    /// What an operator should know before it starts: one sentence each.
    package var statements: [String]

    /// Whether a delivery is one that was asked for.
    package func wants(_ delivery: Delivery) -> Bool { wants(rule: delivery.rule, destination: delivery.destination) }

    package func wants(rule: String, destination: String) -> Bool {
        (rules.isEmpty || rules.contains(rule)) && (destinations.isEmpty || destinations.contains(destination))
    }
}
