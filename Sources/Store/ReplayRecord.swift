import Events

/// A replay as the table holds it: it outlives the process, and goes on by itself.
package struct ReplayRecord: Sendable, Equatable {
    package enum State: String, Sendable, Codable, CaseIterable {
        case running, paused, done, cancelled, failed

        /// It never goes on.
        package var isFinal: Bool { self == .done || self == .cancelled || self == .failed }
    }

    /// `rp` and eight hex digits.
    package var id: String
    /// What is replayed, as JSON.
    package var plan: [UInt8]
    package var state: State
    /// Why, in plain words; may be empty.
    package var detail: String
    /// Times are epoch milliseconds.
    package var createdAt: Int64
    package var updatedAt: Int64

    package init(id: String, plan: [UInt8], state: State, detail: String, createdAt: Int64, updatedAt: Int64) {
        self.id = id
        self.plan = plan
        self.state = state
        self.detail = detail
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// How far a replay is on one topic. Committed with its deliveries, as the cursor is.
package struct ReplayProgress: Sendable, Equatable, Codable {
    /// Of the journal: every row before this one was replayed, …
    package var journalRow: Int64 = 0
    /// … and as many events of this one.
    package var eventOffset = 0
    /// Events that were read and lay in the replay's span.
    package var events = 0
    package var deliveries = 0
    /// Deliveries that could not be rendered.
    package var failures = 0
    package var undecodable = 0
    package var isDone = false

    package init() {}
}

/// Where a replay is on one topic.
package struct ReplayPosition: Sendable, Equatable {
    package var key: Cursor.Key
    /// Of the last event; nil before the first one.
    package var replayID: ReplayID?
    package var commitTime: Int64?
    package var progress: ReplayProgress
    package var updatedAt: Int64
}
