import Events
import Rules

/// Puts other secrets in the place of those that destinations name, for requests that are only looked at: no real one is
/// read for these.
package struct StandInSecrets {
    private let given: [String: String]
    private var environment: [String: String] = [:]

    /// - Parameter given: by the name of the variable or the path of the file.
    package init(_ given: [String: String] = [:]) { self.given = given }

    /// All secrets that `replace` has made so far.
    package var store: SecretStore { SecretStore(environment: environment) }

    private enum Use { case plain, signing, url }

    package mutating func replace(in destination: Destination) -> Destination {
        var copy = destination
        copy.auth = auth(destination.auth)
        copy.sign = sign(destination.sign)
        for (name, listener) in destination.listeners {
            var listener = listener
            listener.url = reference(listener.url, .url)
            listener.auth = auth(listener.auth)
            listener.sign = sign(listener.sign)
            copy.listeners[name] = listener
        }
        // Nothing is ever connected to.
        copy.tls = Destination.TLS()
        return copy
    }

    private mutating func auth(_ auth: Destination.Auth?) -> Destination.Auth? {
        switch auth {
        case nil: nil
        case .bearer(let secret): .bearer(reference(secret, .plain))
        case .basic(let user, let secret): .basic(user: user, password: reference(secret, .plain))
        case .header(let name, let secret): .header(name: name, value: reference(secret, .plain))
        case .query(let name, let secret): .query(name: name, value: reference(secret, .plain))
        case .body(let path, let secret): .body(path: path, value: reference(secret, .plain))
        // Nobody is there to ask for a token.
        case .oauth2(let oauth2): .bearer(reference(oauth2.clientSecret, .plain))
        }
    }

    private mutating func sign(_ sign: Destination.Signing?) -> Destination.Signing? {
        switch sign {
        case nil: return nil
        case .standardWebhooks(let secrets):
            var replaced: [SecretReference] = []
            for secret in secrets { replaced.append(reference(secret, .signing)) }
            return .standardWebhooks(secrets: replaced)
        case .hmac(let algorithm, let encoding, let header, let prefix, let secrets):
            var replaced: [SecretReference] = []
            for secret in secrets { replaced.append(reference(secret, .plain)) }
            return .hmac(algorithm: algorithm, encoding: encoding, header: header, prefix: prefix, secrets: replaced)
        }
    }

    private mutating func reference(_ reference: SecretReference, _ use: Use) -> SecretReference {
        let name =
            switch reference {
            case .env(let name): name
            case .file(let path): path
            }
        let variable = "\(use) \(name)"
        environment[variable] = given[name] ?? Self.madeUp(name, use)
        return .env(variable)
    }

    /// Always the same for one name.
    private static func madeUp(_ name: String, _ use: Use) -> String {
        switch use {
        case .plain: "test-\(name)"
        case .signing: "whsec_" + Base64.encode(Array("made up for tests: \(name)".utf8))
        case .url: "https://listener.test/\(name)/data"
        }
    }
}
