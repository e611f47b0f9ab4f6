import Crypto
import Curl
import Events
import Rules

/// Signs the exact bytes of a request.
package struct RequestSigner: Sendable {
    private enum Scheme: Sendable {
        case standardWebhooks(keys: [Secret])
        case hmac(
            algorithm: Destination.Signing.Algorithm, encoding: Destination.Signing.Encoding, header: String,
            prefix: String, key: Secret)
    }

    private let scheme: Scheme

    /// - Throws: `SecretError` when a secret cannot be read, or is no key of its scheme.
    package init(_ signing: Destination.Signing, secrets: SecretStore) throws(SecretError) {
        switch signing {
        case .standardWebhooks(let references):
            var keys: [Secret] = []
            for reference in references {
                let secret = try secrets.resolve(reference)
                guard Self.key(ofStandardWebhooks: secret) != nil else {
                    throw SecretError(
                        reference: reference, reason: "it is not base64, with or without whsec_ before it")
                }
                keys.append(secret)
            }
            scheme = .standardWebhooks(keys: keys)
        case .hmac(let algorithm, let encoding, let header, let prefix, let references):
            guard let first = references.first else { preconditionFailure("the loader demands a secret") }
            scheme = .hmac(
                algorithm: algorithm, encoding: encoding, header: header, prefix: prefix,
                key: try secrets.resolve(first))
        }
    }

    /// The header that carries the signature.
    ///
    /// - Parameter timestamp: epoch seconds of this attempt, as in `webhook-timestamp`.
    package func header(id: String, timestamp: Int64, body: [UInt8]) -> HTTPRequest.Header {
        switch scheme {
        case .standardWebhooks(let keys):
            let message = Array("\(id).\(timestamp).".utf8) + body
            let signatures = keys.compactMap(Self.key(ofStandardWebhooks:)).map { key in
                "v1," + Base64.encode(Array(HMAC<SHA256>.authenticationCode(for: message, using: key)))
            }
            return HTTPRequest.Header("webhook-signature", signatures.joined(separator: " "))
        case .hmac(let algorithm, let encoding, let header, let prefix, let secret):
            let code = Self.code(algorithm, SymmetricKey(data: Array(secret.exposed.utf8)), body)
            let text = encoding == .hex ? Self.hex(code) : Base64.encode(code)
            return HTTPRequest.Header(header, prefix + text)
        }
    }

    /// Everything that must not show up in an excerpt.
    var secrets: [Secret] {
        switch scheme {
        case .standardWebhooks(let keys): keys
        case .hmac(_, _, _, _, let key): [key]
        }
    }

    private static func key(ofStandardWebhooks secret: Secret) -> SymmetricKey? {
        let text = secret.exposed
        let encoded = text.hasPrefix("whsec_") ? String(text.dropFirst(6)) : text
        guard let bytes = Base64.decode(encoded), !bytes.isEmpty else { return nil }
        return SymmetricKey(data: bytes)
    }

    private static func code(
        _ algorithm: Destination.Signing.Algorithm, _ key: SymmetricKey, _ message: [UInt8]
    ) -> [UInt8] {
        switch algorithm {
        case .sha1: Array(HMAC<Insecure.SHA1>.authenticationCode(for: message, using: key))
        case .sha256: Array(HMAC<SHA256>.authenticationCode(for: message, using: key))
        case .sha384: Array(HMAC<SHA384>.authenticationCode(for: message, using: key))
        case .sha512: Array(HMAC<SHA512>.authenticationCode(for: message, using: key))
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
