import Events

/// An event as it came, kept because deliveries or dead letters of it have no request yet: it is rendered from here,
/// however long that takes and whatever the journal has pruned meanwhile.
package struct KeptEvent: Sendable, Equatable {
    package var source: ConsumerEvent
    package var orgID: String
    package var topic: String
    /// Epoch milliseconds.
    package var receivedAt: Int64

    /// - Parameter source: the event as Salesforce sent it.
    package init(_ source: ConsumerEvent, orgID: String, topic: String, receivedAt: Int64) {
        self.source = source
        self.orgID = orgID
        self.topic = topic
        self.receivedAt = receivedAt
    }

    package func isSame(as other: KeptEvent) -> Bool {
        source.replayID == other.source.replayID && topic == other.topic && orgID == other.orgID
    }
}
