internal import HTTP2

/// The client's side of gRPC on one HTTP/2 connection, without the socket.
///
/// A stream's flow-control window opens again when its messages have been taken, so an unread stream holds at most a
/// window and one message.
final class GRPCClientSession {
    enum Event {
        case initialMetadata(streamID: Int32, GRPCMetadata)
        case messages(streamID: Int32, [[UInt8]])
        /// The trailers of an RPC that ended OK, or why it did not. The last event of a stream.
        case finished(streamID: Int32, Result<GRPCMetadata, GRPCError>)
        case goAway(HTTP2ErrorCode, debug: String)
    }

    private struct RPC {
        var reader: ResponseReader
        var unreadMessages = 0
        var heldBackBytes = 0
        var hasEndedSending = false
    }

    private let http: ClientSession
    private let endpoint: GRPCEndpoint
    private let configuration: GRPCConfiguration
    private var rpcs: [Int32: RPC] = [:]

    init(endpoint: GRPCEndpoint, configuration: GRPCConfiguration) {
        self.endpoint = endpoint
        self.configuration = configuration
        http = ClientSession()
    }

    var isFinished: Bool { http.isFinished }
    var failure: String? { http.failure?.reason }

    // MARK: Actions

    func start(path: String, metadata: GRPCMetadata, timeout: Duration?) throws(GRPCError) -> Int32 {
        if let name = metadata.firstUnsendable {
            let reason = "metadata \(name) is reserved, or holds what a header cannot (line break, blank at an end)"
            throw GRPCError(.invalidArgument, reason, origin: .us)
        }
        do throws(HTTP2Error) {
            let streamID = try http.request(head(path: path, metadata: metadata, timeout: timeout))
            rpcs[streamID] = RPC(reader: ResponseReader(maximumMessageBytes: configuration.maximumMessageBytes))
            return streamID
        } catch {
            var wrapped = GRPCError(.unavailable, error.reason, origin: .us)
            wrapped.wasRefused = true
            throw wrapped
        }
    }

    private func head(path: String, metadata: GRPCMetadata, timeout: Duration?) -> [HTTP2Header] {
        var fields = [
            HTTP2Header(":method", "POST"), HTTP2Header(":scheme", endpoint.plaintext ? "http" : "https"),
            HTTP2Header(":path", path), HTTP2Header(":authority", endpoint.authority), HTTP2Header("te", "trailers"),
            HTTP2Header("content-type", "application/grpc"), HTTP2Header("user-agent", configuration.userAgent),
            HTTP2Header("grpc-accept-encoding", "identity"),
        ]
        if let timeout { fields.append(HTTP2Header("grpc-timeout", Self.text(of: timeout))) }
        return fields + metadata.fields
    }

    /// At most eight digits are allowed: about a day in milliseconds.
    private static func text(of timeout: Duration) -> String {
        let milliseconds = timeout.components.seconds * 1000 + timeout.components.attoseconds / 1_000_000_000_000_000
        return "\(min(max(milliseconds, 1), 99_999_999))m"
    }

    func send(_ message: [UInt8], on streamID: Int32) {
        http.append(MessageFraming.frame(message), to: streamID)
    }

    func finishSending(_ streamID: Int32) {
        rpcs[streamID]?.hasEndedSending = true
        http.endBody(of: streamID)
    }

    func unsentBytes(on streamID: Int32) -> Int { http.unsentBytes(on: streamID) }

    /// Ends an RPC for good; no event about it comes any more.
    func cancel(_ streamID: Int32) {
        guard rpcs.removeValue(forKey: streamID) != nil else { return }
        http.reset(streamID, code: .cancel)
    }

    func taken(_ count: Int, from streamID: Int32) {
        guard rpcs[streamID] != nil else { return }
        rpcs[streamID]!.unreadMessages -= count
        openWindow(streamID)
    }

    func ping() { http.ping(0) }

    func goAway() { http.goAway() }

    func bytesToSend(limit: Int) throws(HTTP2Error) -> [UInt8] { try http.bytesToSend(limit: limit) }

    // MARK: What comes in

    func receive(_ bytes: UnsafeRawBufferPointer) throws(HTTP2Error) -> [Event] {
        try http.receive(bytes).flatMap(events)
    }

    /// What sending has brought about.
    func takeEvents() -> [Event] { http.takeEvents().flatMap(events) }

    private func events(of event: HTTP2Event) -> [Event] {
        switch event {
        case .headers(let streamID, let fields): headers(fields, on: streamID)
        case .data(let streamID, let bytes): data(bytes, on: streamID)
        case .ended(let streamID): ended(streamID)
        case .closed(let streamID, let code, let byPeer): closed(streamID, code, byPeer: byPeer)
        case .goAway(_, let code, let debug): [.goAway(code, debug: debug)]
        case .settings, .pingAcknowledged: []
        }
    }

    private func headers(_ fields: [HTTP2Header], on streamID: Int32) -> [Event] {
        guard let hadMetadata = rpcs[streamID].map({ $0.reader.initialMetadata != nil }) else { return [] }
        rpcs[streamID]!.reader.headers(fields)
        guard !hadMetadata, let metadata = rpcs[streamID]!.reader.initialMetadata else { return [] }
        return [.initialMetadata(streamID: streamID, metadata)]
    }

    private func data(_ bytes: [UInt8], on streamID: Int32) -> [Event] {
        guard rpcs[streamID] != nil else { return [] }
        do throws(GRPCError) {
            let messages = try rpcs[streamID]!.reader.data(bytes)
            rpcs[streamID]!.heldBackBytes += bytes.count
            rpcs[streamID]!.unreadMessages += messages.count
            openWindow(streamID)
            return messages.isEmpty ? [] : [.messages(streamID: streamID, messages)]
        } catch {
            cancel(streamID)
            return [.finished(streamID: streamID, .failure(error))]
        }
    }

    /// With nothing left to read, what has arrived belongs to an unfinished message, which has a limit of its own.
    private func openWindow(_ streamID: Int32) {
        guard let rpc = rpcs[streamID], rpc.unreadMessages == 0, rpc.heldBackBytes > 0 else { return }
        rpcs[streamID]!.heldBackBytes = 0
        http.consumed(rpc.heldBackBytes, on: streamID)
    }

    private func ended(_ streamID: Int32) -> [Event] {
        guard let rpc = rpcs.removeValue(forKey: streamID) else { return [] }
        // The server has given its result; what we would still send is of no use to it.
        if !rpc.hasEndedSending { http.reset(streamID, code: .cancel) }
        return [.finished(streamID: streamID, rpc.reader.end())]
    }

    private func closed(_ streamID: Int32, _ code: HTTP2ErrorCode, byPeer: Bool) -> [Event] {
        guard let rpc = rpcs.removeValue(forKey: streamID) else { return [] }
        // A connection that we end for the server's mistakes takes its streams with it, under all sorts of codes.
        if !byPeer, let failure = http.failure {
            return [.finished(streamID: streamID, .failure(.connection(failure.reason)))]
        }
        return [.finished(streamID: streamID, .failure(rpc.reader.reset(code, byPeer: byPeer)))]
    }
}
