import Events

/// What a subscription needs of the relay.
package protocol SubscriptionHost: Sendable {
    /// Takes over a batch and waits for room if there is none. After it returns the batch is the relay's; the process may
    /// still die before it is durable, and then the stored cursor brings it again. Called on the I/O thread: what computes
    /// belongs elsewhere.
    ///
    /// - Returns: the commit time of the last event, if the batch has one that tells it.
    /// - Throws: `CancellationError` only.
    nonisolated(nonsending) func accept(_ batch: ReceivedBatch) async throws -> Int64?
    /// Whether `accept` would return soon. While it would not, no more events are asked for. Returns at once.
    var hasRoom: Bool { get }
    /// The position up to which everything is on disk, after a real sync; nil if there is none.
    func synced(topic: String) async -> ReplayID?
    func changed(_ status: StreamStatus, topic: String) async
    func stated(_ statement: ResumeStatement, topic: String) async
}

extension SubscriptionHost {
    package var hasRoom: Bool { true }
    package func synced(topic: String) async -> ReplayID? { nil }
}

/// One response's worth of events, in stream order and without repetitions.
package struct ReceivedBatch: Sendable {
    package var topic: String
    /// Empty in a keepalive, and where all of them had come before.
    package var events: [ConsumerEvent]
    /// Salesforce says that nothing waits.
    package var isKeepalive: Bool
    /// The `FetchResponse` as it came.
    package var bytes: [UInt8]
    /// The cursor once all of this is relayed or stored.
    package var replayID: ReplayID
    /// Epoch milliseconds.
    package var receivedAt: Int64

    /// - Parameter isKeepalive: nil where no events mean one.
    package init(
        topic: String, events: [ConsumerEvent], isKeepalive: Bool? = nil, bytes: [UInt8], replayID: ReplayID,
        receivedAt: Int64
    ) {
        self.topic = topic
        self.events = events
        self.isKeepalive = isKeepalive ?? events.isEmpty
        self.bytes = bytes
        self.replayID = replayID
        self.receivedAt = receivedAt
    }
}
