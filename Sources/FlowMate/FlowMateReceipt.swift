import FoundationEssentials

/// `{"data":{"requestId":"…","message":"thank you"}}`: FlowMate took the event.
package struct FlowMateReceipt: Sendable, Equatable {
    package var requestID: String

    private struct Wire: Decodable {
        struct Content: Decodable { var requestId: String }
        var data: Content
    }

    /// Nil when the body is anything else.
    package init?(_ body: [UInt8]) {
        guard let wire = try? JSONDecoder().decode(Wire.self, from: Data(body)), !wire.data.requestId.isEmpty else {
            return nil
        }
        requestID = wire.data.requestId
    }
}

/// Whether retries to this FlowMate run at most once, as learned from what it echoes.
package enum FlowMateEcho: String, Sendable, Equatable {
    /// Nothing was delivered yet.
    case untested
    /// The request ID comes back unchanged: a retry with the same one is dropped by FlowMate.
    case idempotent
    /// Something on the way replaces the ID: a retry may run the flow twice.
    case notIdempotent
    /// A yes without FlowMate's receipt: whether FlowMate has the event at all, nobody knows.
    case noReceipt

    /// The newest answer counts: a gateway may be put in front at any time.
    package mutating func learn(sent: String, echoed: String?) {
        self = echoed == nil ? .noReceipt : sent == echoed ? .idempotent : .notIdempotent
    }
}
