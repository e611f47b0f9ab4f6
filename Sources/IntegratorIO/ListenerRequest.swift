import Curl
import Events

/// Builds the POST to a listener (an integrator.io webhook export).
///
/// The public URL comes from the operator and is never put together here: it may hold the listener's token.
package struct ListenerRequest: Sendable {
    /// How the listener tells its callers. HMAC is not here: the signature is made over the finished body.
    package enum Auth: Sendable {
        /// The secret URL says it all, or a signature does.
        case none
        /// A whole header value: `Bearer …`, `Basic …`, or the bare token of a custom scheme.
        case header(name: String, value: Secret)
        case query(name: String, value: Secret)
        /// `path` is dotted: `auth.token`.
        case body(path: String, value: Secret)
    }

    /// A request that must not be made.
    package enum Refusal: Error, Equatable, CustomStringConvertible {
        case tooLarge(bytes: Int)
        /// The token has no place in this body.
        case noPlaceForToken(path: String)

        package var description: String {
            switch self {
            case .tooLarge(let bytes):
                "the body has \(bytes) bytes; a listener is sent \(ListenerRequest.maximumBodyBytes) at most"
            case .noPlaceForToken(let path):
                "the body has no place for the token at '\(path)': it must be a JSON object there"
            }
        }
    }

    /// Well under the 5 MB that a page of a flow holds, also when it grows downstream.
    package static let maximumBodyBytes = 1 << 20

    package let url: Secret
    package let auth: Auth

    package init(url: Secret, auth: Auth) {
        self.url = url
        self.auth = auth
    }

    /// The body as it goes on the wire, and as it is signed.
    package func body(_ rendered: [UInt8]) throws(Refusal) -> [UInt8] {
        var body = rendered
        if case .body(let path, let token) = auth {
            guard let withToken = JSONInsertion.insert(token.exposed, at: path, into: rendered) else {
                throw .noPlaceForToken(path: path)
            }
            body = withToken
        }
        guard body.count <= Self.maximumBodyBytes else { throw .tooLarge(bytes: body.count) }
        return body
    }

    /// - Parameter body: what `body(_:)` gave.
    package func request(
        body: [UInt8], headers: [HTTPRequest.Header], timeout: Duration, connection: ConnectionOptions
    ) -> HTTPRequest {
        var all = [HTTPRequest.Header("Content-Type", "application/json")] + headers
        var target = url.exposed
        switch auth {
        case .none, .body: break
        case .header(let name, let value): all.append(HTTPRequest.Header(name, value.exposed))
        case .query(let name, let value):
            target += (target.contains("?") ? "&" : "?") + Self.escape(name) + "=" + Self.escape(value.exposed)
        }
        return HTTPRequest(
            method: "POST", url: target, headers: all, body: body, timeout: timeout,
            maximumResponseBytes: 64 * 1024, connection: connection)
    }

    /// Percent-encodes all but the unreserved characters of RFC 3986.
    static func escape(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        return text.utf8.reduce(into: "") { result, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default: result += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
    }
}
