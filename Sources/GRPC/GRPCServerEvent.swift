package import HTTP2

/// What a client wants of a `GRPCServerSession`.
package enum GRPCServerEvent: Sendable, Equatable {
    /// - Parameter metadata: all headers but HTTP/2's own, names in lower case.
    case rpcStarted(streamID: Int32, path: String, metadata: GRPCMetadata)
    case message(streamID: Int32, bytes: [UInt8])
    /// The client sends no more; a unary RPC's message came just before.
    case halfClosed(streamID: Int32)
    /// Gone before it was finished, by the client or for breaking a rule. Forget it.
    case cancelled(streamID: Int32, code: HTTP2ErrorCode)
    case pingAcknowledged(UInt64)
    case goAwayReceived(code: HTTP2ErrorCode)
}
