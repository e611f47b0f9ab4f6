import Events

/// How far a topic is accounted for: everything up to and including `replayID` is acknowledged or stored.
package struct Cursor: Sendable, Equatable {
    package struct Key: Hashable, Sendable {
        /// The operator's name of the org.
        package var org: String
        package var topic: String

        package init(org: String, topic: String) {
            self.org = org
            self.topic = topic
        }
    }

    package var key: Key
    /// A replay ID means something in this org and this instance only; another one than expected is not to be used.
    package var orgID: String
    package var instanceURL: String
    package var replayID: ReplayID
    /// Of the last event; nil while only keepalives came. Epoch milliseconds.
    package var commitTime: Int64?
    package var updatedAt: Int64

    package init(
        key: Key, orgID: String, instanceURL: String, replayID: ReplayID, commitTime: Int64?, updatedAt: Int64
    ) {
        self.key = key
        self.orgID = orgID
        self.instanceURL = instanceURL
        self.replayID = replayID
        self.commitTime = commitTime
        self.updatedAt = updatedAt
    }
}

/// One FetchResponse as it came.
package struct JournalEntry: Sendable, Equatable {
    package var org: String
    package var topic: String
    package var receivedAt: Int64
    package var firstReplayID: ReplayID
    package var lastReplayID: ReplayID
    package var eventCount: Int
    package var raw: [UInt8]

    package init(
        org: String, topic: String, receivedAt: Int64, firstReplayID: ReplayID, lastReplayID: ReplayID,
        eventCount: Int, raw: [UInt8]
    ) {
        self.org = org
        self.topic = topic
        self.receivedAt = receivedAt
        self.firstReplayID = firstReplayID
        self.lastReplayID = lastReplayID
        self.eventCount = eventCount
        self.raw = raw
    }
}
