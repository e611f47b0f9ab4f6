import Events

/// One FetchResponse as it came.
package struct JournalEntry: Sendable, Equatable {
    package var org: String
    package var topic: String
    package var receivedAt: Int64
    package var firstReplayID: ReplayID
    package var lastReplayID: ReplayID
    package var eventCount: Int
    package var raw: [UInt8]
    /// Of its last event, epoch milliseconds, where it is known.
    package var commitTime: Int64?

    package init(
        org: String, topic: String, receivedAt: Int64, firstReplayID: ReplayID, lastReplayID: ReplayID,
        eventCount: Int, raw: [UInt8], commitTime: Int64? = nil
    ) {
        self.org = org
        self.topic = topic
        self.receivedAt = receivedAt
        self.firstReplayID = firstReplayID
        self.lastReplayID = lastReplayID
        self.eventCount = eventCount
        self.raw = raw
        self.commitTime = commitTime
    }
}
