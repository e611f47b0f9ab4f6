/// A request or connection that failed below HTTP.
package struct TransportError: Error, Sendable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// Or one that leads to an address which `ConnectionOptions.addresses` excludes.
        case badURL
        case resolve
        case connect
        case proxy
        /// The handshake failed for another reason than the certificate.
        case tls
        /// The peer answered, and not in TLS.
        case notTLS
        /// Not trusted, expired, or for another host.
        case certificate
        /// A local file (CA, certificate, key) that cannot be read.
        case localFile
        case timeout
        /// Broken off by the peer or the network.
        case reset
        case cancelled
        case other
    }

    package var kind: Kind
    /// `https://host:port`; the rest of a URL may hold secrets.
    package var target: String
    /// What libcurl or OpenSSL said.
    package var reason: String
    /// False only when it is certain that the peer got no byte of the request.
    package var mayHaveBeenSent: Bool
    package var curlCode: Int32
    /// The HTTP status, where the answer had begun before it broke off.
    package var status: Int?

    package init(
        kind: Kind, target: String, reason: String, mayHaveBeenSent: Bool, curlCode: Int32 = 0, status: Int? = nil
    ) {
        self.kind = kind
        self.target = target
        self.reason = reason
        self.mayHaveBeenSent = mayHaveBeenSent
        self.curlCode = curlCode
        self.status = status
    }

    package var description: String {
        switch kind {
        case .timeout where mayHaveBeenSent: "no answer from \(target): \(reason)"
        case .reset where mayHaveBeenSent && status == nil: "no answer from \(target): \(reason)"
        case .reset where mayHaveBeenSent: "the answer of \(target) broke off: \(reason)"
        default: "cannot reach \(target): \(reason)"
        }
    }
}
