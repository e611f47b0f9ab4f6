import Curl
import Events
import Rules

/// A destination's credential, resolved: one header.
struct ReadyAuth: Sendable {
    var name: String
    /// The whole value: `Bearer …`.
    var value: Secret
    /// What must not show up in an excerpt.
    var secrets: [Secret]

    var header: HTTPRequest.Header { HTTPRequest.Header(name, value.exposed) }

    /// - Returns: nil for the kinds that are no header (query, body), which only listeners know, and for tokens.
    init?(_ auth: Destination.Auth, secrets store: SecretStore) throws(SecretError) {
        switch auth {
        case .bearer(let reference):
            let token = try store.resolve(reference)
            self.init(name: "Authorization", value: Secret("Bearer \(token.exposed)"), secrets: [token])
        case .basic(let user, let reference):
            let password = try store.resolve(reference)
            let pair = Base64.encode(Array("\(user):\(password.exposed)".utf8))
            self.init(name: "Authorization", value: Secret("Basic \(pair)"), secrets: [password, Secret(pair)])
        case .header(let name, let reference):
            let value = try store.resolve(reference)
            self.init(name: name, value: value, secrets: [value])
        case .query, .body, .oauth2: return nil
        }
        guard !value.exposed.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw SecretError(reference: auth.reference, reason: "it has control characters, which no header can carry")
        }
    }

    init(bearer token: Secret) {
        self.init(name: "Authorization", value: Secret("Bearer \(token.exposed)"), secrets: [token])
    }

    private init(name: String, value: Secret, secrets: [Secret]) {
        self.name = name
        self.value = value
        self.secrets = secrets
    }
}

extension Destination.Auth {
    var reference: SecretReference {
        switch self {
        case .bearer(let reference), .basic(_, let reference), .header(_, let reference), .query(_, let reference),
            .body(_, let reference):
            reference
        case .oauth2(let oauth2): oauth2.clientSecret
        }
    }
}
