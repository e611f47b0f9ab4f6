internal import Curl
internal import HTTP2

/// One HTTP/2 connection: moves bytes between its stream and its session, and hands events to the calls.
///
/// Lives as long as its socket is watched, which `close` ends.
@IOThread
final class Link {
    enum State { case open, draining, closed }

    let endpoint: GRPCEndpoint
    private let stream: ByteStream
    private let session: GRPCClientSession
    private var calls: [Int32: Call] = [:]
    private(set) var state = State.open
    private var farewell = ""
    private let onLeaving: @IOThread (Link, HTTP2ErrorCode) -> Void

    /// Why it was closed.
    private(set) var failure: GRPCError?
    private var outbound: ArraySlice<UInt8> = []
    private var isFlushPlanned = false
    /// What is sent meanwhile leaves at the end of it.
    private var isReading = false
    private var keepalive: KeepalivePolicy
    private var keepaliveTimer: IOThread.TimerID?

    /// - Parameter onLeaving: called once, when no new RPC can be started here any more; `noError` unless the server
    ///   gave a code with its GOAWAY.
    init(
        stream: ByteStream, endpoint: GRPCEndpoint, configuration: GRPCConfiguration, keepaliveInterval: Duration,
        onLeaving: @escaping @IOThread (Link, HTTP2ErrorCode) -> Void
    ) {
        self.stream = stream
        self.endpoint = endpoint
        self.onLeaving = onLeaving
        session = GRPCClientSession(endpoint: endpoint, configuration: configuration)
        keepalive = KeepalivePolicy(
            interval: keepaliveInterval.nanoseconds, timeout: configuration.keepaliveTimeout.nanoseconds,
            now: IOThread.nanoseconds)
        stream.onReady { self.ready() }
        planFlush()
    }

    // MARK: For calls

    func start(path: String, metadata: GRPCMetadata, timeout: Duration?) throws(GRPCError) -> Call {
        // Whoever waited for the link may come only after its end.
        guard state == .open else { throw failure ?? .connection("the connection was given up") }
        let streamID = try session.start(path: path, metadata: metadata, timeout: timeout)
        let call = Call(streamID: streamID, method: path, link: self)
        if calls.isEmpty { keepalive.wakened(at: IOThread.nanoseconds) }
        calls[streamID] = call
        if keepaliveTimer == nil { checkKeepalive() }
        planFlush()
        return call
    }

    func send(_ message: [UInt8], on streamID: Int32) {
        session.send(message, on: streamID)
        planFlush()
    }

    /// Leaves before anything else is done on the thread, which may take milliseconds while much is delivered.
    func sendNow(_ message: [UInt8], on streamID: Int32) {
        session.send(message, on: streamID)
        if !isReading { flush() }
    }

    func finishSending(_ streamID: Int32) {
        session.finishSending(streamID)
        planFlush()
    }

    func cancel(_ streamID: Int32) {
        calls[streamID] = nil
        session.cancel(streamID)
        planFlush()
    }

    func taken(_ count: Int, from streamID: Int32) {
        session.taken(count, from: streamID)
        planFlush()
    }

    func unsentBytes(on streamID: Int32) -> Int { session.unsentBytes(on: streamID) }

    // MARK: The end

    /// Takes no new RPC, and closes when the last one is done.
    func drain(_ code: HTTP2ErrorCode = .noError) {
        guard state == .open else { return }
        state = .draining
        onLeaving(self, code)
        planFlush()
    }

    func close(_ error: GRPCError) {
        guard state != .closed else { return }
        let wasOpen = state == .open
        state = .closed
        failure = error
        stream.close()
        if let keepaliveTimer { IOThread.cancel(keepaliveTimer) }
        keepaliveTimer = nil
        let ended = calls
        calls = [:]
        if wasOpen { onLeaving(self, .noError) }
        for call in ended.values { call.finished(.failure(error)) }
    }

    private func fail(_ reason: String) {
        close(.connection(farewell.isEmpty ? reason : "\(reason), after \(farewell)"))
    }

    /// Closes what has nothing left to do.
    private func closeIfDone() {
        guard state != .closed, outbound.isEmpty else { return }
        if session.isFinished {
            fail(session.failure ?? "the server closed the connection")
        } else if state == .draining, calls.isEmpty {
            close(.connection("the connection was given up"))
        }
    }
}

// MARK: - Bytes

extension Link {
    /// How often the buffer is filled at most before others have their turn.
    private static let readsPerTurn = 4

    /// One for all connections: what is read is digested before the next read.
    private static let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)

    private func ready() {
        guard state != .closed else { return }
        // What the calls do in answer leaves with the flush below.
        isFlushPlanned = true
        isReading = true
        let end = Result { () throws(TransportError) in try readAll() }
        isReading = false
        if case .failure(let error) = end { return close(.transport(error).afterFarewell(farewell)) }
        flush()
    }

    private func readAll() throws(TransportError) {
        for _ in 0..<Self.readsPerTurn {
            var count = 0
            let rest = Result { () throws(TransportError) in try fillBuffer(&count) }
            // What came before the end or an error may explain it.
            if count > 0 { receive(UnsafeRawBufferPointer(rebasing: Self.buffer[..<count])) }
            guard state != .closed else { return }
            switch try rest.get() {
            case .bytes: break
            case .wouldBlock: return
            case .end: return serverHasGone()
            }
        }
        IOThread.post { self.ready() }
    }

    /// TLS gives one record for each read: several are put together, since digesting them costs less at once.
    private func fillBuffer(_ count: inout Int) throws(TransportError) -> ByteStream.ReadResult {
        while count < Self.buffer.count {
            let result = try stream.read(into: UnsafeMutableRawBufferPointer(rebasing: Self.buffer[count...]))
            guard case .bytes(let more) = result else { return result }
            count += more
        }
        return .bytes(count)
    }

    private func serverHasGone() {
        // What nghttp2 has against the last bytes it says when asked what to send.
        _ = try? session.bytesToSend(limit: 64 << 10)
        fail(session.failure ?? "the server closed the connection")
    }

    private func receive(_ bytes: UnsafeRawBufferPointer) {
        keepalive.received(at: IOThread.nanoseconds)
        do throws(HTTP2Error) {
            dispatch(try session.receive(bytes))
        } catch {
            fail("the server's bytes are no HTTP/2: \(error.reason)")
        }
    }

    /// Many small actions in one turn of the thread leave in one write.
    private func planFlush() {
        guard !isFlushPlanned, state != .closed else { return }
        isFlushPlanned = true
        IOThread.post { self.flush() }
    }

    private func flush() {
        isFlushPlanned = false
        guard state != .closed else { return }
        do {
            try writeAll()
        } catch let error as TransportError {
            return close(.transport(error).afterFarewell(farewell))
        } catch {
            return fail("\(error)")
        }
        dispatch(session.takeEvents())
        for call in calls.values { call.checkSenders() }
        closeIfDone()
    }

    private func writeAll() throws {
        while true {
            if outbound.isEmpty { outbound = try session.bytesToSend(limit: 256 << 10)[...] }
            guard !outbound.isEmpty else { return stream.setWantsWrite(false) }
            let written = try outbound.withUnsafeBytes { try stream.write($0) }
            guard written > 0 else { return stream.setWantsWrite(true) }
            outbound.removeFirst(written)
        }
    }

    private func dispatch(_ events: [GRPCClientSession.Event]) {
        for event in events {
            switch event {
            case .initialMetadata(let streamID, let metadata): calls[streamID]?.received(metadata)
            case .messages(let streamID, let messages): calls[streamID]?.received(messages)
            case .finished(let streamID, let result): calls.removeValue(forKey: streamID)?.finished(result)
            case .goAway(let code, let debug):
                farewell = "GOAWAY \(code)\(debug.isEmpty ? "" : " (\(debug))")"
                drain(code)
            }
        }
        if !events.isEmpty { planFlush() }
    }
}

// MARK: - Keepalive

extension Link {
    private func checkKeepalive() {
        keepaliveTimer = nil
        guard state != .closed else { return }
        let now = IOThread.nanoseconds
        switch keepalive.check(at: now, hasStreams: !calls.isEmpty) {
        case .rest: break
        case .fail: fail("keepalive timeout")
        case .wait(let until): planKeepalive(after: until - now)
        case .ping:
            session.ping()
            planFlush()
            planKeepalive(after: keepalive.timeout)
        }
    }

    private func planKeepalive(after nanoseconds: UInt64) {
        keepaliveTimer = IOThread.schedule(after: .nanoseconds(Int64(clamping: nanoseconds))) { self.checkKeepalive() }
    }
}

extension GRPCError {
    /// What the server said before the connection broke explains more than the break.
    fileprivate func afterFarewell(_ farewell: String) -> GRPCError {
        guard !farewell.isEmpty else { return self }
        var copy = self
        copy.message += ", after \(farewell)"
        return copy
    }
}
