package import HTTP2

/// The server's side of gRPC on one HTTP/2 connection, without the socket. One owner, not thread-safe.
///
/// Feed it what the socket gives; after every `receive` and every action write `bytesToSend()` until it is empty, and
/// close the socket once `isFinished`. Actions on a stream that is gone do nothing.
package final class GRPCServerSession {
    package struct Limits: Sendable {
        package var concurrentStreams: UInt32 = 100
        /// A longer message ends its RPC with RESOURCE_EXHAUSTED.
        package var messageBytes = 8 << 20
        package var headerListBytes = 64 << 10

        package init() {}
    }

    private struct RPC {
        var framing: MessageFraming
        var hasSentHead = false
    }

    private let http: ServerSession
    private let limits: Limits
    private var rpcs: [Int32: RPC] = [:]
    private var isBroken = false

    package init(limits: Limits = Limits()) {
        self.limits = limits
        var transport = HTTP2Limits()
        transport.concurrentStreams = limits.concurrentStreams
        transport.headerListBytes = limits.headerListBytes
        http = ServerSession(limits: transport)
    }

    /// - Throws: if these bytes are no HTTP/2. Then send what `bytesToSend` has, and close.
    package func receive(_ bytes: [UInt8]) throws(HTTP2Error) -> [GRPCServerEvent] {
        try noted { () throws(HTTP2Error) in try http.receive(bytes) }
    }

    package func receive(_ bytes: UnsafeRawBufferPointer) throws(HTTP2Error) -> [GRPCServerEvent] {
        try noted { () throws(HTTP2Error) in try http.receive(bytes) }
    }

    private func noted(_ receive: () throws(HTTP2Error) -> [HTTP2Event]) throws(HTTP2Error) -> [GRPCServerEvent] {
        do throws(HTTP2Error) {
            return try receive().flatMap(events)
        } catch {
            isBroken = true
            throw error
        }
    }

    /// What to write to the socket now, whole frames, about `limit` bytes of them.
    package func bytesToSend(limit: Int = 256 << 10) -> [UInt8] {
        do throws(HTTP2Error) {
            return try http.bytesToSend(limit: limit)
        } catch {
            isBroken = true
            return []
        }
    }

    /// Nothing will come or go any more, once `bytesToSend` is empty.
    package var isFinished: Bool { isBroken || http.isFinished }

    /// Why the connection was ended, if the client broke the protocol.
    package var failure: HTTP2Error? { http.failure }
}

// MARK: - Actions

extension GRPCServerSession {
    /// Answers the head at once; without it, the first message does.
    package func sendInitialMetadata(_ metadata: GRPCMetadata = [:], on streamID: Int32) {
        guard let rpc = rpcs[streamID], !rpc.hasSentHead else { return }
        rpcs[streamID]!.hasSentHead = true
        http.respond(Self.head + metadata.fields, on: streamID)
    }

    package func send(_ message: [UInt8], on streamID: Int32) {
        guard rpcs[streamID] != nil else { return }
        sendInitialMetadata(on: streamID)
        http.append(MessageFraming.frame(message), to: streamID)
    }

    /// What flow control holds back. It is the owner's business to wait when this grows.
    package func unsentBytes(on streamID: Int32) -> Int { http.unsentBytes(on: streamID) }

    /// Ends an RPC after what was sent; as "trailers-only" if that was nothing.
    package func finish(_ streamID: Int32, _ status: GRPCStatus = GRPCStatus(.ok), trailers: GRPCMetadata = [:]) {
        guard let rpc = rpcs.removeValue(forKey: streamID) else { return }
        var fields = [HTTP2Header("grpc-status", String(status.code.rawValue))]
        if !status.message.isEmpty {
            fields.append(HTTP2Header("grpc-message", PercentEncoding.encode(status.message)))
        }
        fields += trailers.fields
        if rpc.hasSentHead {
            http.finish(streamID, trailers: fields)
        } else {
            http.respondWithoutBody(Self.head + fields, on: streamID)
        }
    }

    package func reset(_ streamID: Int32, code: HTTP2ErrorCode = .cancel) {
        guard rpcs.removeValue(forKey: streamID) != nil else { return }
        http.reset(streamID, code: code)
    }

    /// - Parameter lastStreamID: RPCs above it are refused; nil lets every RPC that was seen go on.
    package func goAway(code: HTTP2ErrorCode = .noError, debug: String = "", lastStreamID: Int32? = nil) {
        http.goAway(code: code, lastStreamID: lastStreamID, debug: debug)
    }

    package func ping(_ opaque: UInt64 = 0) { http.ping(opaque) }

    private static let head = [HTTP2Header(":status", "200"), HTTP2Header("content-type", "application/grpc")]
}

// MARK: - What comes in

extension GRPCServerSession {
    private func events(of event: HTTP2Event) -> [GRPCServerEvent] {
        switch event {
        case .headers(let streamID, let fields): return headers(fields, on: streamID)
        case .data(let streamID, let bytes): return data(bytes, on: streamID)
        case .ended(let streamID): return ended(streamID)
        case .closed(let streamID, let code, _):
            guard rpcs.removeValue(forKey: streamID) != nil else { return [] }
            return [.cancelled(streamID: streamID, code: code)]
        case .pingAcknowledged(let opaque): return [.pingAcknowledged(opaque)]
        case .goAway(_, let code, _): return [.goAwayReceived(code: code)]
        case .settings: return []
        }
    }

    private func headers(_ fields: [HTTP2Header], on streamID: Int32) -> [GRPCServerEvent] {
        func field(_ name: String) -> String { fields.first { $0.name == name }?.value ?? "" }
        // A client's trailers say nothing in gRPC.
        guard rpcs[streamID] == nil, !field(":method").isEmpty else { return [] }
        guard field(":method") == "POST" else { return refuse(streamID, httpStatus: 405) }
        guard field("content-type").hasPrefix("application/grpc") else { return refuse(streamID, httpStatus: 415) }
        rpcs[streamID] = RPC(framing: MessageFraming(maximumMessageBytes: limits.messageBytes))
        return [.rpcStarted(streamID: streamID, path: field(":path"), metadata: GRPCMetadata(fields: fields))]
    }

    private func refuse(_ streamID: Int32, httpStatus: Int) -> [GRPCServerEvent] {
        http.respondWithoutBody([HTTP2Header(":status", String(httpStatus))], on: streamID)
        return []
    }

    private func data(_ bytes: [UInt8], on streamID: Int32) -> [GRPCServerEvent] {
        guard rpcs[streamID] != nil else { return [] }
        do throws(GRPCError) {
            return try rpcs[streamID]!.framing.append(bytes).map { .message(streamID: streamID, bytes: $0) }
        } catch {
            return refuse(streamID, GRPCStatus(error.code, error.message))
        }
    }

    private func ended(_ streamID: Int32) -> [GRPCServerEvent] {
        guard let rpc = rpcs[streamID] else { return [] }
        guard !rpc.framing.isInsideMessage else {
            return refuse(streamID, GRPCStatus(.internal, "the request ended inside a message"))
        }
        return [.halfClosed(streamID: streamID)]
    }

    private func refuse(_ streamID: Int32, _ status: GRPCStatus) -> [GRPCServerEvent] {
        finish(streamID, status)
        return [.cancelled(streamID: streamID, code: .noError)]
    }
}
