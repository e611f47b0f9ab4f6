/// What the peer's bytes meant.
package enum HTTP2Event: Sendable, Equatable {
    /// A request's or answer's head, or trailers (then no field starts with a colon). 1xx heads are left out.
    case headers(streamID: Int32, [HTTP2Header])
    case data(streamID: Int32, [UInt8])
    /// The peer sends no more on this stream.
    case ended(streamID: Int32)
    /// The stream is gone. After a clean end of both sides the code is `noError` and `byPeer` false.
    case closed(streamID: Int32, code: HTTP2ErrorCode, byPeer: Bool)
    case settings
    case pingAcknowledged(UInt64)
    /// Streams above `lastStreamID` were not looked at.
    case goAway(lastStreamID: Int32, code: HTTP2ErrorCode, debug: String)
}

/// One header field. Names are lower case on the wire.
package struct HTTP2Header: Sendable, Equatable, CustomStringConvertible {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// Values may be tokens.
    package var description: String { name }

    /// Kept out of HPACK's tables on both sides, so that no proxy does index them either.
    package static let neverIndexedNames: Set<String> = [
        "accesstoken", "authorization", "cookie", "proxy-authorization", "set-cookie",
    ]
}

/// RFC 9113, section 7.
package struct HTTP2ErrorCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package var rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let noError = Self(rawValue: 0)
    package static let protocolError = Self(rawValue: 1)
    package static let internalError = Self(rawValue: 2)
    package static let flowControlError = Self(rawValue: 3)
    package static let settingsTimeout = Self(rawValue: 4)
    package static let streamClosed = Self(rawValue: 5)
    package static let frameSizeError = Self(rawValue: 6)
    package static let refusedStream = Self(rawValue: 7)
    package static let cancel = Self(rawValue: 8)
    package static let compressionError = Self(rawValue: 9)
    package static let connectError = Self(rawValue: 10)
    package static let enhanceYourCalm = Self(rawValue: 11)
    package static let inadequateSecurity = Self(rawValue: 12)
    package static let http11Required = Self(rawValue: 13)

    private static let names = [
        "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
        "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
    ]

    package var description: String {
        rawValue < Self.names.count ? Self.names[Int(rawValue)] : "error \(rawValue)"
    }
}

/// The connection cannot go on, or a request could not be begun.
package struct HTTP2Error: Error, Sendable, Equatable, CustomStringConvertible {
    package var reason: String
    /// nghttp2's code; 0 where the decision was ours.
    package var code: Int32

    package init(reason: String, code: Int32 = 0) {
        self.reason = reason
        self.code = code
    }

    package var description: String { reason }
}

package struct HTTP2Limits: Sendable {
    /// What a peer may have under way; as a client: what we ask for at once, also counting what waits for the server.
    package var concurrentStreams: UInt32 = 1000
    /// One header block, names and values. Above it the stream is reset.
    package var headerListBytes = 64 << 10
    /// Bytes of a stream that may be unread. A Pub/Sub batch approaches 4 MB.
    package var streamWindow: Int32 = 4 << 20
    package var connectionWindow: Int32 = 16 << 20

    package init() {}
}
