import Crypto
import CryptoExtras
import Events
import FoundationEssentials

/// The signed statement of the JWT bearer flow (RFC 7523, with Salesforce's limits): RS256.
struct JWTAssertion {
    static let grantType = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    /// Salesforce takes at most three minutes; the rest is room for clocks that differ.
    static let lifetimeSeconds: Int64 = 150
    static let leastKeyBits = 2048

    let clientID: Secret
    let username: String
    let audience: String

    /// - Parameters:
    ///   - key: PEM text, PKCS #1 or PKCS #8, not encrypted.
    ///   - now: epoch milliseconds.
    func signed(_ key: Secret, now: Int64) throws(SetupError) -> Secret {
        let content = "\(Self.part([("alg", .string("RS256")), ("typ", .string("JWT"))])).\(claims(now))"
        let signature: _RSA.Signing.RSASignature
        do {
            let key = try _RSA.Signing.PrivateKey(pemRepresentation: key.exposed)
            guard key.keySizeInBits >= Self.leastKeyBits else { throw Self.unusable }
            signature = try key.signature(for: SHA256.hash(data: Data(content.utf8)), padding: .insecurePKCS1v1_5)
        } catch {
            throw Self.unusable
        }
        return Secret("\(content).\(Base64.encodeURL([UInt8](signature.rawRepresentation)))")
    }

    private func claims(_ now: Int64) -> String {
        Self.part([
            ("iss", .string(clientID.exposed)), ("sub", .string(username)), ("aud", .string(audience)),
            ("exp", .int(now / 1000 + Self.lifetimeSeconds)),
        ])
    }

    private static func part(_ claims: [(String, Value)]) -> String {
        var text = JSONText()
        text.value(.record(Fields(claims.map { Fields.Field(name: $0.0, value: $0.1) })))
        return Base64.encodeURL(text.bytes)
    }

    private static let unusable = SetupError(
        "the key of jwtBearer is no RSA private key of at least \(leastKeyBits) bits in PEM form",
        fix: "Make one with `openssl req -x509 -newkey rsa:2048 -nodes -days 730 -subj /CN=sluice -keyout key.pem -out "
            + "cert.pem`, name key.pem here, and upload cert.pem to the app (Use digital signatures).")
}
