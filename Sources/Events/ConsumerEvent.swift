/// One event as a `FetchResponse` carries it, not decoded.
public struct ConsumerEvent: Sendable, Equatable {
    /// `ProducerEvent.id`: a UUID in every capture, but documented only for platform events. May be empty.
    public var id: String
    /// Fingerprint of the writer schema of *this* event; two events of one batch may differ.
    public var schemaID: String
    public var replayID: ReplayID
    /// Bare Avro binary.
    public var payload: [UInt8]

    public init(id: String, schemaID: String, replayID: ReplayID, payload: [UInt8]) {
        self.id = id
        self.schemaID = schemaID
        self.replayID = replayID
        self.payload = payload
    }
}
