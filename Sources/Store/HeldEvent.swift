import Events

/// An event that waits until its record was read from Salesforce, or behind one that does. As it came, so that it can be
/// decoded again after a restart.
package struct HeldEvent: Sendable, Equatable {
    package struct Key: Hashable, Sendable {
        /// The operator's name of the org.
        package var org: String
        package var topic: String
        package var replayID: ReplayID
        /// An event about several records is held for each by itself.
        package var recordID: String

        package init(org: String, topic: String, replayID: ReplayID, recordID: String) {
            self.org = org
            self.topic = topic
            self.replayID = replayID
            self.recordID = recordID
        }
    }

    package var key: Key
    package var orgID: String
    package var entity: String
    package var schemaID: String
    package var eventID: String
    package var payload: [UInt8]
    /// Epoch milliseconds.
    package var receivedAt: Int64

    package init(
        key: Key, orgID: String, entity: String, schemaID: String, eventID: String, payload: [UInt8], receivedAt: Int64
    ) {
        self.key = key
        self.orgID = orgID
        self.entity = entity
        self.schemaID = schemaID
        self.eventID = eventID
        self.payload = payload
        self.receivedAt = receivedAt
    }

    package var source: ConsumerEvent {
        ConsumerEvent(id: eventID, schemaID: schemaID, replayID: key.replayID, payload: payload)
    }
}

/// How much is held of one topic's object, for `status`.
package struct HeldCount: Sendable, Equatable {
    package var org: String
    package var topic: String
    package var entity: String
    package var records: Int
    package var events: Int
    /// Epoch milliseconds.
    package var oldestReceivedAt: Int64
}
