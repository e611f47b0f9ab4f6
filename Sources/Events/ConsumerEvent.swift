/// One event as a `FetchResponse` carries it, not decoded.
package struct ConsumerEvent: Sendable, Equatable {
    /// `ProducerEvent.id`: a UUID in every capture, but documented only for platform events. May be empty.
    package var id: String
    /// Fingerprint of the writer schema of *this* event; two events of one batch may differ.
    package var schemaID: String
    package var replayID: ReplayID
    /// Bare Avro binary.
    package var payload: [UInt8]

    package init(id: String, schemaID: String, replayID: ReplayID, payload: [UInt8]) {
        self.id = id
        self.schemaID = schemaID
        self.replayID = replayID
        self.payload = payload
    }
}
