internal import CNghttp2

/// The client's side of an HTTP/2 connection, without the socket. One owner, not thread-safe.
///
/// After every `receive` and every action: write `bytesToSend()` until it is empty, then look at `takeEvents()`.
package final class ClientSession {
    private let session: Session

    package init(limits: HTTP2Limits = HTTP2Limits()) {
        session = Session(role: .client, limits: limits)
    }

    /// Begins a request whose body comes by `append`, until `endBody`. While the server's limit of concurrent streams
    /// is reached, it waits inside, and has its stream ID already.
    ///
    /// - Throws: if too many are under way or waiting, or the connection takes no new ones.
    package func request(_ headers: [HTTP2Header]) throws(HTTP2Error) -> Int32 {
        guard session.bodies.count < session.limits.concurrentStreams else {
            throw HTTP2Error(reason: "\(session.limits.concurrentStreams) requests are under way on this connection")
        }
        var provider = Session.dataProvider
        let streamID = session.whileBorrowed {
            HeaderEncoder.with(headers) { fields, count in
                nghttp2_submit_request(session.pointer, nil, fields, count, &provider, nil)
            }
        }
        guard streamID > 0 else { throw session.error(streamID) }
        session.bodies[streamID] = OutboundBody()
        return streamID
    }

    package func append(_ bytes: [UInt8], to streamID: Int32) {
        session.append(bytes, to: streamID)
    }

    package func endBody(of streamID: Int32) {
        session.complete(streamID)
    }

    package func unsentBytes(on streamID: Int32) -> Int {
        session.bodies[streamID]?.unsent ?? 0
    }

    /// Opens the stream's window again by what was taken from it.
    package func consumed(_ count: Int, on streamID: Int32) {
        _ = session.whileBorrowed { nghttp2_session_consume_stream(session.pointer, streamID, count) }
    }

    package func reset(_ streamID: Int32, code: HTTP2ErrorCode) { session.reset(streamID, code: code) }

    package func ping(_ opaque: UInt64) { session.ping(opaque) }

    package func goAway(code: HTTP2ErrorCode = .noError, debug: String = "") {
        session.goAway(code: code, lastStreamID: nil, debug: debug)
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

    /// Why we ended the connection, if the server broke the protocol.
    package var failure: HTTP2Error? { session.failure }
}
