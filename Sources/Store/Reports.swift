/// What a running relay last said about a topic.
package struct StreamState: Sendable, Equatable {
    package var key: Cursor.Key
    /// `connecting`, `streaming`, `parked`, `failed` …
    package var state: String
    package var detail: String
    /// When `state` began. Times are epoch milliseconds.
    package var since: Int64
    package var lastReceivedAt: Int64?
    package var reconnects: Int

    package init(
        key: Cursor.Key, state: String, detail: String, since: Int64, lastReceivedAt: Int64?, reconnects: Int
    ) {
        self.key = key
        self.state = state
        self.detail = detail
        self.since = since
        self.lastReceivedAt = lastReceivedAt
        self.reconnects = reconnects
    }
}

/// What a running relay last said about a destination. No row means that it is well.
package struct DestinationState: Sendable, Equatable {
    package var destination: String
    /// `held`, `probing`, `paused` or `missing` (no rule file names it any more).
    package var state: String
    package var detail: String
    package var since: Int64
    package var nextTry: Int64?

    package init(destination: String, state: String, detail: String, since: Int64, nextTry: Int64?) {
        self.destination = destination
        self.state = state
        self.detail = detail
        self.since = since
        self.nextTry = nextTry
    }
}

/// What waits for one destination.
package struct PendingCount: Sendable, Equatable {
    package var destination: String
    /// Claims on runs, which wait for a collector and not in lanes.
    package var isGathered: Bool
    package var count: Int
    /// Commit time of the first one in stream order, epoch milliseconds.
    package var oldestTime: Int64?
}
