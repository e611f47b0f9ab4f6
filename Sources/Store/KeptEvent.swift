import Events

/// An event as it came, kept because deliveries or dead letters of it have no request yet: it is rendered from here,
/// however long that takes and whatever the journal has pruned meanwhile.
package struct KeptEvent: Sendable, Equatable {
    package var orgID: String
    package var topic: String
    package var replayID: ReplayID
    package var schemaID: String
    package var eventID: String
    package var payload: [UInt8]
    /// Epoch milliseconds.
    package var receivedAt: Int64

    /// - Parameter source: the event as Salesforce sent it.
    package init(_ source: ConsumerEvent, orgID: String, topic: String, receivedAt: Int64) {
        self.orgID = orgID
        self.topic = topic
        replayID = source.replayID
        schemaID = source.schemaID
        eventID = source.id
        payload = source.payload
        self.receivedAt = receivedAt
    }

    package func isSame(as other: KeptEvent) -> Bool {
        replayID == other.replayID && topic == other.topic && orgID == other.orgID
    }

    package var source: ConsumerEvent {
        ConsumerEvent(id: eventID, schemaID: schemaID, replayID: replayID, payload: payload)
    }
}
