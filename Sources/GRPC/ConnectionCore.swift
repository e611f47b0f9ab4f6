internal import Curl
internal import HTTP2

/// Which connection new RPCs use, and who waits for one.
@IOThread
final class ConnectionCore {
    /// However often the server complains about PINGs.
    private static let longestKeepalive = Duration.seconds(3600)

    /// For one RPC, when a connection is lost again before it can be used.
    private static let maximumConnects = 3

    private let endpoint: GRPCEndpoint
    private let configuration: GRPCConfiguration
    private var keepaliveInterval: Duration
    private var current: Link?
    /// Those that still serve old RPCs.
    private var leaving: [ObjectIdentifier: Link] = [:]
    private var waiters: [Promise<Void>] = []
    private var connecting: Task<Void, Never>?
    private var isClosed = false
    /// Why the last connection that was lost was lost.
    private var lastLoss: GRPCError?

    nonisolated init(endpoint: GRPCEndpoint, configuration: GRPCConfiguration) {
        self.endpoint = endpoint
        self.configuration = configuration
        keepaliveInterval = configuration.keepaliveInterval
    }

    func open(_ path: String, _ metadata: GRPCMetadata) async throws(GRPCError) -> Call {
        do throws(GRPCError) {
            return try await link(until: nil).start(path: path, metadata: metadata, timeout: nil)
        } catch {
            throw error.on(path, endpoint.name)
        }
    }

    /// - Parameter until: the deadline, on the clock of `IOThread`.
    func unary(
        _ path: String, _ message: [UInt8], _ metadata: GRPCMetadata, until: UInt64
    ) async throws(GRPCError) -> GRPCReply {
        let (link, call): (Link, Call)
        do throws(GRPCError) {
            link = try await self.link(until: until)
            let left = try timeLeft(until)
            call = try link.start(path: path, metadata: metadata, timeout: left)
            call.setDeadline(after: left)
        } catch {
            throw error.on(path, endpoint.name)
        }
        // Whatever leaves early leaves nothing behind.
        defer { call.cancel() }
        do throws(GRPCError) {
            try await call.send(message)
            call.finishSending()
            guard let reply = try await call.next(atMost: 1)?.first else { throw broken("without a message", path) }
            guard try await call.next(atMost: 1) == nil else { throw broken("with a second message", path) }
            return GRPCReply(message: reply, trailers: call.trailers ?? [:])
        } catch {
            // It answers PINGs, if it is alive at all, and no RPC.
            if error.code == .deadlineExceeded, error.origin == .us { link.drain() }
            throw error
        }
    }

    private func broken(_ what: String, _ path: String) -> GRPCError {
        GRPCError(.internal, "unary answer \(what)", origin: .peer).on(path, endpoint.name)
    }

    private func timeLeft(_ until: UInt64) throws(GRPCError) -> Duration {
        let now = IOThread.nanoseconds
        guard now < until else { throw Self.connectedTooLate }
        return .nanoseconds(Int64(clamping: until - now))
    }

    private static let connectedTooLate = GRPCError(
        .deadlineExceeded, "no connection before the deadline", origin: .us)

    func close() {
        isClosed = true
        connecting?.cancel()
        for link in [current].compactMap({ $0 }) + leaving.values { link.close(.cancelled) }
    }

    /// Nobody can start an RPC any more.
    func retire() {
        isClosed = true
        connecting?.cancel()
        current?.drain()
    }
}

// MARK: - Connecting

extension ConnectionCore {
    /// The connection for a new RPC. All who ask meanwhile share one attempt.
    private func link(until: UInt64?) async throws(GRPCError) -> Link {
        for _ in 0..<Self.maximumConnects {
            guard !isClosed else { throw .cancelled }
            if let current { return current }
            let promise = Promise<Void>()
            waiters.append(promise)
            let timer = try until.map { until throws(GRPCError) in
                IOThread.schedule(after: try timeLeft(until)) { promise.fulfil(.failure(Self.connectedTooLate)) }
            }
            defer { if let timer { IOThread.cancel(timer) } }
            if connecting == nil { connecting = Task { await self.connect() } }
            try await promise.value()
        }
        // Lost each time before the RPC had its turn: the reason is known here only.
        throw lastLoss ?? .connection("the server closes each connection as soon as it is open")
    }

    private func connect() async {
        let outcome: Result<Void, GRPCError>
        do throws(TransportError) {
            let stream = try await ByteStream.connect(
                host: endpoint.host, port: endpoint.port, options: endpoint.options, plaintext: endpoint.plaintext)
            use(stream)
            outcome = .success(())
        } catch {
            outcome = .failure(.transport(error))
        }
        connecting = nil
        let waiting = waiters
        waiters = []
        for waiter in waiting { waiter.fulfil(outcome) }
    }

    private func use(_ stream: ByteStream) {
        guard !isClosed else { return stream.close() }
        current = Link(
            stream: stream, endpoint: endpoint, configuration: configuration, keepaliveInterval: keepaliveInterval
        ) { [weak self] link, code in
            self?.leave(link, code)
        }
    }

    private func leave(_ link: Link, _ code: HTTP2ErrorCode) {
        if code == .enhanceYourCalm { keepaliveInterval = min(keepaliveInterval * 2, Self.longestKeepalive) }
        if current === link { current = nil }
        if link.state == .closed { lastLoss = link.failure }
        leaving = leaving.filter { $0.value.state != .closed }
        if link.state != .closed { leaving[ObjectIdentifier(link)] = link }
    }
}
