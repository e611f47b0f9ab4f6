internal import HTTP2

/// Reads one RPC's answer: head, messages, trailers, or what came instead. No sockets.
struct ResponseReader {
    private(set) var initialMetadata: GRPCMetadata?
    private var framing: MessageFraming
    private var trailers: GRPCMetadata?
    private var refusal: GRPCError?

    init(maximumMessageBytes: Int) {
        framing = MessageFraming(maximumMessageBytes: maximumMessageBytes)
    }

    mutating func headers(_ fields: [HTTP2Header]) {
        let metadata = GRPCMetadata(fields: fields)
        guard let status = fields.first(where: { $0.name == ":status" })?.value else {
            trailers = metadata
            return
        }
        let contentType = metadata["content-type"] ?? ""
        if status != "200" || !contentType.hasPrefix("application/grpc") {
            refusal = .http(status: Int(status) ?? 0, contentType: contentType)
        }
        // "Trailers-Only", which counts whatever else the head says.
        if metadata["grpc-status"] != nil { trailers = metadata } else { initialMetadata = metadata }
    }

    mutating func data(_ bytes: [UInt8]) throws(GRPCError) -> [[UInt8]] {
        guard refusal == nil else { return [] }
        return try framing.append(bytes)
    }

    /// The server has ended the stream.
    /// - Returns: the trailers of an RPC that ended OK.
    func end() -> Result<GRPCMetadata, GRPCError> {
        guard let trailers, let status = GRPCStatus(trailers: trailers) else {
            return .failure(refusal ?? .withoutStatus)
        }
        guard status.code == .ok else { return .failure(.ended(with: status, trailers: trailers)) }
        guard !framing.isInsideMessage else {
            return .failure(GRPCError(.internal, "the stream ended inside a message", origin: .peer))
        }
        return .success(trailers)
    }

    func reset(_ code: HTTP2ErrorCode, byPeer: Bool) -> GRPCError {
        // A status that says why is worth more than the reset after it.
        if let trailers, let status = GRPCStatus(trailers: trailers), status.code != .ok {
            return .ended(with: status, trailers: trailers)
        }
        return refusal ?? .reset(code, byPeer: byPeer)
    }
}
