internal import CNghttp2

/// What nghttp2 calls. Nothing here decides anything beyond a limit.
extension Session {
    static func makeSession(_ role: Role) -> OpaquePointer {
        var callbacks: OpaquePointer?
        var option: OpaquePointer?
        var session: OpaquePointer?
        guard nghttp2_session_callbacks_new(&callbacks) == 0, nghttp2_option_new(&option) == 0 else {
            preconditionFailure("nghttp2: out of memory")
        }
        defer {
            nghttp2_session_callbacks_del(callbacks)
            nghttp2_option_del(option)
        }
        install(on: callbacks)
        // A client's window opens as messages are taken from it; a server's requests are small.
        nghttp2_option_set_no_auto_window_update(option, role == .client ? 1 : 0)
        let code =
            role == .client
            ? nghttp2_session_client_new2(&session, callbacks, nil, option)
            : nghttp2_session_server_new2(&session, callbacks, nil, option)
        guard code == 0, let session else { preconditionFailure("nghttp2: out of memory") }
        return session
    }

    fileprivate static func of(_ context: UnsafeMutableRawPointer?) -> Session {
        Unmanaged<Session>.fromOpaque(context!).takeUnretainedValue()
    }

    private static func install(on callbacks: OpaquePointer?) {
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, _, context in
            Session.of(context).headerBlock = HeaderBlock()
            return 0
        }
        nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, _, name, nameLength, value, length, _, context in
            Session.of(context).addHeader(
                UnsafeBufferPointer(start: name, count: nameLength), UnsafeBufferPointer(start: value, count: length))
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, streamID, bytes, count, context in
            Session.of(context).addData(UnsafeBufferPointer(start: bytes, count: count), streamID)
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, context in
            Session.of(context).received(frame!)
            return 0
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, streamID, code, context in
            Session.of(context).closed(streamID, code)
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, context in
            Session.of(context).sent(frame!)
            return 0
        }
        nghttp2_session_callbacks_set_error_callback2(callbacks) { _, _, text, length, context in
            let bytes = UnsafeRawBufferPointer(start: text, count: length)
            Session.of(context).complaint = String(decoding: bytes, as: UTF8.self)
            return 0
        }
    }

    private func addHeader(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Int32 {
        // RFC 9113, section 10.5.1 counts 32 bytes for each field.
        headerBlock.bytes += name.count + value.count + 32
        guard headerBlock.bytes <= limits.headerListBytes else {
            headerBlock.fields = []
            complaint = "header block above \(limits.headerListBytes) bytes"
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
        }
        let field = HTTP2Header(String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
        headerBlock.fields.append(field)
        return 0
    }

    private func addData(_ bytes: UnsafeBufferPointer<UInt8>, _ streamID: Int32) {
        if data.streamID != streamID {
            flushData()
            data.streamID = streamID
        }
        data.bytes.append(contentsOf: bytes)
        // The connection's window is open again at once: what is unread is bounded for each stream.
        if role == .client { nghttp2_session_consume_connection(pointer, bytes.count) }
    }

    private func received(_ frame: UnsafePointer<nghttp2_frame>) {
        let header = frame.pointee.hd
        let ends = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
        switch nghttp2_frame_type(UInt32(header.type)) {
        case NGHTTP2_DATA:
            if ends { emit(.ended(streamID: header.stream_id)) }
        case NGHTTP2_HEADERS:
            let isInterim = headerBlock.fields.first { $0.name == ":status" }?.value.hasPrefix("1") == true
            if !isInterim { emit(.headers(streamID: header.stream_id, headerBlock.fields)) }
            headerBlock = HeaderBlock()
            if ends { emit(.ended(streamID: header.stream_id)) }
        case NGHTTP2_RST_STREAM:
            resetByPeer = header.stream_id
        case NGHTTP2_SETTINGS:
            if header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) == 0 { emit(.settings) }
        case NGHTTP2_PING:
            guard header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0 else { return }
            let opaque = withUnsafeBytes(of: frame.pointee.ping.opaque_data) { $0.load(as: UInt64.self) }
            emit(.pingAcknowledged(UInt64(bigEndian: opaque)))
        case NGHTTP2_GOAWAY:
            receivedGoAway(frame.pointee.goaway)
        default: break
        }
    }

    private func receivedGoAway(_ frame: nghttp2_goaway) {
        let debug = UnsafeBufferPointer(start: frame.opaque_data, count: min(frame.opaque_data_len, 1024))
        emit(
            .goAway(
                lastStreamID: frame.last_stream_id, code: HTTP2ErrorCode(rawValue: frame.error_code),
                debug: String(decoding: debug, as: UTF8.self)))
    }

    private func closed(_ streamID: Int32, _ code: UInt32) {
        bodies[streamID] = nil
        emit(.closed(streamID: streamID, code: HTTP2ErrorCode(rawValue: code), byPeer: resetByPeer == streamID))
        resetByPeer = 0
    }

    private func sent(_ frame: UnsafePointer<nghttp2_frame>) {
        guard frame.pointee.hd.type == UInt8(NGHTTP2_GOAWAY.rawValue) else { return }
        let code = HTTP2ErrorCode(rawValue: frame.pointee.goaway.error_code)
        guard code != .noError, failure == nil else { return }
        let why = complaint.isEmpty ? "\(code)" : complaint
        failure = HTTP2Error(reason: "HTTP/2 connection ended: \(why)", code: Int32(bitPattern: code.rawValue))
    }

    private func emit(_ event: HTTP2Event) {
        flushData()
        events.append(event)
    }
}

// MARK: - Bodies

extension Session {
    /// Gives nghttp2 what a stream's body has; nothing means "later".
    static var dataProvider: nghttp2_data_provider {
        nghttp2_data_provider(source: nghttp2_data_source()) { _, streamID, buffer, length, flags, _, context in
            Session.of(context).provide(streamID, UnsafeMutableBufferPointer(start: buffer, count: length), flags!)
        }
    }

    private func provide(
        _ streamID: Int32, _ buffer: UnsafeMutableBufferPointer<UInt8>, _ flags: UnsafeMutablePointer<UInt32>
    ) -> Int {
        guard var body = bodies.removeValue(forKey: streamID) else {
            return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
        }
        defer { bodies[streamID] = body }
        let count = min(buffer.count, body.unsent)
        guard count > 0 || body.isComplete else {
            body.isDeferred = true
            return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        }
        body.bytes.withUnsafeBufferPointer { bytes in
            _ = buffer.update(fromContentsOf: bytes[body.offset..<(body.offset + count)])
        }
        body.sent(count)
        if body.isComplete, body.unsent == 0 { finish(streamID, trailers: body.trailers, flags) }
        return count
    }

    private func finish(_ streamID: Int32, trailers: [HTTP2Header]?, _ flags: UnsafeMutablePointer<UInt32>) {
        flags.pointee |= UInt32(NGHTTP2_DATA_FLAG_EOF.rawValue)
        guard let trailers else { return }
        flags.pointee |= UInt32(NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue)
        HeaderEncoder.with(trailers) { fields, count in
            _ = nghttp2_submit_trailer(pointer, streamID, fields, count)
        }
    }
}
