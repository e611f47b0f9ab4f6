internal import CNghttp2

/// One side of an HTTP/2 connection without its socket: bytes in, events out.
///
/// nghttp2 does frames, HPACK, flow control and the state machines. Its callbacks (`Session+Callbacks`) only collect.
/// One owner, not thread-safe.
final class Session {
    enum Role { case client, server }

    let role: Role
    let limits: HTTP2Limits
    let pointer: OpaquePointer
    /// What the callbacks collect. Sending can bring events as well: streams that the peer's GOAWAY has shut out.
    var events: [HTTP2Event] = []
    var headerBlock = HeaderBlock()
    var data = PendingData()
    var bodies: [Int32: OutboundBody] = [:]
    var resetByPeer: Int32 = 0
    /// What nghttp2 found wrong last.
    var complaint = ""
    /// The peer broke the protocol, and has been told so.
    var failure: HTTP2Error?

    init(role: Role, limits: HTTP2Limits) {
        self.role = role
        self.limits = limits
        pointer = Self.makeSession(role)
        submitSettings()
    }

    deinit { nghttp2_session_del(pointer) }

    /// - Throws: when the connection is beyond help. What `bytesToSend` still has may be sent before closing.
    func receive(_ bytes: UnsafeRawBufferPointer) throws(HTTP2Error) -> [HTTP2Event] {
        let consumed = whileBorrowed {
            nghttp2_session_mem_recv(pointer, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
        }
        flushData()
        guard consumed >= 0 else { throw error(Int32(consumed)) }
        return takeEvents()
    }

    func receive(_ bytes: [UInt8]) throws(HTTP2Error) -> [HTTP2Event] {
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(HTTP2Error) in try receive(bytes) }
        }
        return try result.get()
    }

    func takeEvents() -> [HTTP2Event] {
        defer { events.removeAll(keepingCapacity: events.capacity <= 256) }
        return events
    }

    /// What is ready for the socket, whole frames, about `limit` bytes of them.
    func bytesToSend(limit: Int) throws(HTTP2Error) -> [UInt8] {
        var out: [UInt8] = []
        while out.count < limit {
            var chunk: UnsafePointer<UInt8>?
            let count = whileBorrowed { nghttp2_session_mem_send(pointer, &chunk) }
            guard count >= 0 else { throw error(Int32(count)) }
            guard count > 0 else { break }
            out.append(contentsOf: UnsafeBufferPointer(start: chunk, count: count))
        }
        return out
    }

    /// Neither side has anything to say any more.
    var isFinished: Bool {
        nghttp2_session_want_read(pointer) == 0 && nghttp2_session_want_write(pointer) == 0
    }

    /// The callbacks find us for the length of one call.
    func whileBorrowed<Result>(_ call: () -> Result) -> Result {
        nghttp2_session_set_user_data(pointer, Unmanaged.passUnretained(self).toOpaque())
        defer { nghttp2_session_set_user_data(pointer, nil) }
        return call()
    }

    func error(_ code: Int32) -> HTTP2Error {
        let reason = complaint.isEmpty ? String(cString: nghttp2_strerror(code)) : complaint
        return HTTP2Error(reason: reason, code: code)
    }

    func flushData() {
        guard data.streamID != 0 else { return }
        events.append(.data(streamID: data.streamID, data.bytes))
        data = PendingData()
    }
}

/// A header block as it arrives; there is never more than one at a time on a connection.
struct HeaderBlock {
    var fields: [HTTP2Header] = []
    var bytes = 0
}

/// DATA that has arrived for one stream without anything else in between.
struct PendingData {
    var streamID: Int32 = 0
    var bytes: [UInt8] = []
}

/// What is still to be sent on a stream.
struct OutboundBody {
    var bytes: [UInt8] = []
    /// How much of `bytes` is sent.
    var offset = 0
    var isComplete = false
    var trailers: [HTTP2Header]?
    /// nghttp2 found nothing to send, and waits to be told that there is more.
    var isDeferred = false

    var unsent: Int { bytes.count - offset }

    /// What is sent is let go of in large steps, so that a body that never runs dry does not grow for ever.
    mutating func sent(_ count: Int) {
        offset += count
        guard offset == bytes.count || (offset > 64 << 10 && offset > bytes.count / 2) else { return }
        bytes.removeFirst(offset)
        offset = 0
    }
}

// MARK: - What both sides can do

extension Session {
    /// Adds to a stream's body. Does nothing if the stream is gone.
    func append(_ bytes: [UInt8], to streamID: Int32) {
        guard bodies[streamID] != nil, !bytes.isEmpty else { return }
        bodies[streamID]!.bytes.append(contentsOf: bytes)
        resume(streamID)
    }

    /// - Parameter trailers: sent after the body; nil for a plain end of the stream.
    func complete(_ streamID: Int32, trailers: [HTTP2Header]? = nil) {
        guard bodies[streamID] != nil else { return }
        bodies[streamID]!.isComplete = true
        bodies[streamID]!.trailers = trailers
        resume(streamID)
    }

    private func resume(_ streamID: Int32) {
        guard bodies[streamID]?.isDeferred == true else { return }
        bodies[streamID]!.isDeferred = false
        _ = whileBorrowed { nghttp2_session_resume_data(pointer, streamID) }
    }

    func reset(_ streamID: Int32, code: HTTP2ErrorCode) {
        _ = whileBorrowed {
            nghttp2_submit_rst_stream(pointer, UInt8(NGHTTP2_FLAG_NONE.rawValue), streamID, code.rawValue)
        }
    }

    /// - Parameter lastStreamID: nil is the last stream that was seen.
    func goAway(code: HTTP2ErrorCode, lastStreamID: Int32?, debug: String) {
        let last = lastStreamID ?? nghttp2_session_get_last_proc_stream_id(pointer)
        let text = Array(debug.utf8.prefix(1024))
        _ = whileBorrowed {
            nghttp2_submit_goaway(pointer, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, code.rawValue, text, text.count)
        }
    }

    func ping(_ opaque: UInt64) {
        withUnsafeBytes(of: opaque.bigEndian) { bytes in
            let payload = bytes.bindMemory(to: UInt8.self).baseAddress
            _ = whileBorrowed { nghttp2_submit_ping(pointer, UInt8(NGHTTP2_FLAG_NONE.rawValue), payload) }
        }
    }

    private func submitSettings() {
        var settings = [
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue), value: UInt32(limits.streamWindow)),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue),
                value: UInt32(limits.headerListBytes)),
        ]
        let last = role == .client ? NGHTTP2_SETTINGS_ENABLE_PUSH : NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS
        settings.append(
            nghttp2_settings_entry(
                settings_id: Int32(last.rawValue), value: role == .client ? 0 : limits.concurrentStreams))
        let none = UInt8(NGHTTP2_FLAG_NONE.rawValue)
        let code = whileBorrowed { nghttp2_submit_settings(pointer, none, settings, settings.count) }
        precondition(code == 0, "nghttp2 refused our settings")
        _ = whileBorrowed { nghttp2_session_set_local_window_size(pointer, none, 0, limits.connectionWindow) }
    }
}
