internal import CNghttp2

/// The server's side of an HTTP/2 connection, without the socket. One owner, not thread-safe.
///
/// After every `receive` and every action: write `bytesToSend()` until it is empty, then look at `takeEvents()`.
package final class ServerSession {
    private let session: Session

    package init(limits: HTTP2Limits = HTTP2Limits()) {
        session = Session(role: .server, limits: limits)
    }

    /// Sends the head of an answer; its body comes by `append`, until `finish`. Once for each stream.
    package func respond(_ headers: [HTTP2Header], on streamID: Int32) {
        var provider = Session.dataProvider
        session.bodies[streamID] = OutboundBody()
        let code = submit(headers, on: streamID, &provider)
        if code != 0 { session.bodies[streamID] = nil }
    }

    /// An answer that is only its head (gRPC: "trailers-only").
    package func respondWithoutBody(_ headers: [HTTP2Header], on streamID: Int32) {
        _ = submit(headers, on: streamID, nil)
    }

    private func submit(
        _ headers: [HTTP2Header], on streamID: Int32, _ provider: UnsafePointer<nghttp2_data_provider>?
    ) -> Int32 {
        session.whileBorrowed {
            HeaderEncoder.with(headers) { fields, count in
                nghttp2_submit_response(session.pointer, streamID, fields, count, provider)
            }
        }
    }

    package func append(_ bytes: [UInt8], to streamID: Int32) {
        session.append(bytes, to: streamID)
    }

    package func finish(_ streamID: Int32, trailers: [HTTP2Header]?) {
        session.complete(streamID, trailers: trailers)
    }

    package func unsentBytes(on streamID: Int32) -> Int {
        session.bodies[streamID]?.unsent ?? 0
    }

    package func reset(_ streamID: Int32, code: HTTP2ErrorCode) { session.reset(streamID, code: code) }

    package func ping(_ opaque: UInt64) { session.ping(opaque) }

    /// - Parameter lastStreamID: nil lets every stream that was seen go on.
    package func goAway(code: HTTP2ErrorCode, lastStreamID: Int32? = nil, debug: String = "") {
        session.goAway(code: code, lastStreamID: lastStreamID, debug: debug)
    }

    package func receive(_ bytes: UnsafeRawBufferPointer) throws(HTTP2Error) -> [HTTP2Event] {
        try session.receive(bytes)
    }

    package func receive(_ bytes: [UInt8]) throws(HTTP2Error) -> [HTTP2Event] {
        try session.receive(bytes)
    }

    package func bytesToSend(limit: Int = 256 << 10) throws(HTTP2Error) -> [UInt8] {
        try session.bytesToSend(limit: limit)
    }

    package func takeEvents() -> [HTTP2Event] { session.takeEvents() }

    package var isFinished: Bool { session.isFinished }

    /// Why we ended the connection, if the client broke the protocol.
    package var failure: HTTP2Error? { session.failure }
}
