package import Curl
internal import HTTP2

/// An RPC that did not end OK.
package struct GRPCError: Error, Sendable, CustomStringConvertible {
    /// Who ended it.
    package enum Origin: Sendable, Equatable {
        /// A limit, a deadline or a cancellation of ours.
        case us
        /// The server, by its status or a reset.
        case peer
        /// The connection.
        case transport
    }

    package var code: GRPCStatus.Code
    package var message: String
    package var trailers: GRPCMetadata = [:]
    package var origin: Origin
    /// A new attempt may succeed without anybody changing anything.
    package var isRetryable: Bool
    /// It is certain that the server did not begin to process the RPC.
    package var wasRefused = false
    /// `/eventbus.v1.PubSub/Subscribe`
    package var method = ""
    /// `host:port`
    package var endpoint = ""
    package var underlying: TransportError?

    init(_ code: GRPCStatus.Code, _ message: String, origin: Origin, isRetryable: Bool? = nil) {
        self.code = code
        self.message = message
        self.origin = origin
        self.isRetryable = isRetryable ?? Self.canRetry(code, origin)
    }

    /// Salesforce's name of the error, where it gave one.
    package var errorCode: String? { trailers["error-code"] }

    /// What Salesforce Support asks for.
    package var rpcID: String? { trailers["rpc-id"] }

    package var description: String {
        let who =
            switch origin {
            case .us: "given up"
            case .peer: "refused"
            case .transport: "connection failed"
            }
        let detail = errorCode.map { ", \($0)" } ?? ""
        let id = rpcID.map { ", rpc-id \($0)" } ?? ""
        return "\(method.isEmpty ? "RPC" : method) on \(endpoint) \(who): \(message) (\(code.name)\(detail)\(id))"
    }

    private static func canRetry(_ code: GRPCStatus.Code, _ origin: Origin) -> Bool {
        switch code {
        case .unavailable, .deadlineExceeded, .aborted: true
        case .unknown, .internal, .resourceExhausted, .cancelled: origin != .us
        default: false
        }
    }
}

extension GRPCError {
    static func ended(with status: GRPCStatus, trailers: GRPCMetadata) -> GRPCError {
        var error = GRPCError(status.code, status.message, origin: .peer)
        error.trailers = trailers
        return error
    }

    /// Source: gRPC, "PROTOCOL-HTTP2", errors. NO_ERROR is what Salesforce sends when it just ends a stream.
    static func reset(_ reset: HTTP2ErrorCode, byPeer: Bool) -> GRPCError {
        let code: GRPCStatus.Code =
            switch reset {
            case .refusedStream: .unavailable
            case .cancel: .cancelled
            case .enhanceYourCalm: .resourceExhausted
            case .inadequateSecurity: .permissionDenied
            default: .internal
            }
        let message =
            byPeer || reset == .refusedStream
            ? "stream reset without a status (\(reset))" : "the server's answer breaks HTTP/2 (\(reset))"
        var error = GRPCError(code, message, origin: .peer)
        error.wasRefused = reset == .refusedStream
        return error
    }

    /// An answer that is no gRPC answer: a proxy's or load balancer's.
    static func http(status: Int, contentType: String) -> GRPCError {
        let code: GRPCStatus.Code =
            switch status {
            case 400: .internal
            case 401: .unauthenticated
            case 403: .permissionDenied
            case 404: .unimplemented
            case 429, 502, 503, 504: .unavailable
            default: .unknown
            }
        let what = status == 200 ? "content-type \"\(contentType.prefix(100))\"" : "HTTP status \(status)"
        return GRPCError(code, "not a gRPC answer: \(what)", origin: .peer)
    }

    static let withoutStatus = GRPCError(.unavailable, "the stream ended without a grpc-status", origin: .peer)

    static let cancelled = GRPCError(.cancelled, "cancelled", origin: .us)

    static func transport(_ error: TransportError) -> GRPCError {
        let needsOperator: [TransportError.Kind] = [.badURL, .certificate, .localFile]
        var wrapped: GRPCError
        switch error.kind {
        case .cancelled: wrapped = .cancelled
        default:
            wrapped = GRPCError(
                .unavailable, error.reason, origin: .transport, isRetryable: !needsOperator.contains(error.kind))
        }
        wrapped.wasRefused = !error.mayHaveBeenSent
        wrapped.underlying = error
        return wrapped
    }

    static func connection(_ reason: String) -> GRPCError {
        GRPCError(.unavailable, reason, origin: .transport)
    }

    func on(_ method: String, _ endpoint: String) -> GRPCError {
        var copy = self
        copy.method = method
        copy.endpoint = endpoint
        return copy
    }
}
