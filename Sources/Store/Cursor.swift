import Events

/// How far a topic is accounted for: everything up to and including `replayID` is acknowledged or stored.
package struct Cursor: Sendable, Equatable {
    package struct Key: Hashable, Sendable {
        /// The operator's name of the org.
        package var org: String
        package var topic: String
        package var scope: Scope

        package init(org: String, topic: String, scope: Scope = .live) {
            self.org = org
            self.topic = topic
            self.scope = scope
        }
    }

    /// Whose position it is. Each is committed with the deliveries before it, and by the same rule.
    package enum Scope: Hashable, Sendable {
        /// The topic's own.
        case live
        /// That of a replay, which never touches the topic's own.
        case replay(String)
        /// Dead letters or quarantined events that were marked with this token are deliveries again: they leave the
        /// table in the commit that holds these deliveries, or accounts for them.
        case resend(String)
        /// Nothing is to be remembered.
        case none
    }

    package var key: Key
    /// A replay ID means something in this org and this instance only; another one than expected is not to be used.
    package var orgID: String
    package var instanceURL: String
    package var replayID: ReplayID
    /// Of the last event; nil while only keepalives came. Epoch milliseconds.
    package var commitTime: Int64?
    package var updatedAt: Int64
    /// With a replay's position only.
    package var replay: ReplayProgress?

    package init(
        key: Key, orgID: String, instanceURL: String, replayID: ReplayID, commitTime: Int64?, updatedAt: Int64,
        replay: ReplayProgress? = nil
    ) {
        self.key = key
        self.orgID = orgID
        self.instanceURL = instanceURL
        self.replayID = replayID
        self.commitTime = commitTime
        self.updatedAt = updatedAt
        self.replay = replay
    }
}
