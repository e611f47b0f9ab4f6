import ArgumentParser
import Curl
import Events
import Relay
import Rules

/// Which destination of the rule files a command talks to: address, credential, TLS and proxy come from there.
struct PlatformOptions: ParsableArguments {
    @OptionGroup var configuration: ConfigurationOption
    @Option(help: "The destination by its name in the rule files; by default the only one of its kind.")
    var destination: String?

    func destination(_ kind: Destination.Kind) throws -> PlatformDestination {
        let loaded = try configuration.load()
        let rules = try loaded.ruleSet()
        return PlatformDestination(
            destination: try choose(kind, rules.destinations), secrets: loaded.secrets, rules: rules)
    }

    private func choose(_ kind: Destination.Kind, _ all: [String: Destination]) throws -> Destination {
        let fitting = all.values.filter { $0.kind == kind }.sorted { $0.name < $1.name }
        let names = fitting.map(\.name).joined(separator: ", ")
        if let destination {
            guard let named = all[destination] else {
                throw CommandFailure(.badInput, "no destination is called '\(destination)'; of this kind are: \(names)")
            }
            guard named.kind == kind else {
                throw CommandFailure(
                    .badInput, "destination '\(destination)' is of kind \(named.kind.rawValue), not \(kind.rawValue)")
            }
            return named
        }
        guard let only = fitting.first else {
            throw CommandFailure(.badInput, "the rule files have no destination of kind \(kind.rawValue)")
        }
        guard fitting.count == 1 else {
            throw CommandFailure(
                .badInput, "several destinations are of this kind: \(names). Name one by --destination.")
        }
        return only
    }
}

/// A destination, the secrets that it may name, and the rules around it.
struct PlatformDestination {
    struct Resolved {
        /// The header that carries the credential, and its whole value; nil without one.
        var header: String?
        var credential: Secret?
        var connection: ConnectionOptions
    }

    let destination: Destination
    let secrets: SecretStore
    let rules: RuleSet

    func resolved() throws -> Resolved {
        let url = destination.url.lowercased()
        guard url.hasPrefix("https://") || (url.hasPrefix("http://") && destination.allowHttp) else {
            throw failure("baseUrl", "is not https", "Use https, or allowHttp: true for tests.")
        }
        var connection = ConnectionOptions(proxy: destination.proxy)
        connection.addresses =
            destination.allowPrivate ? .all : destination.allowHttp ? .publicOrLoopback : .public
        connection.caFile = destination.tls.ca.map(secrets.absolute)
        connection.clientCertificate = destination.tls.cert.map(secrets.absolute)
        switch destination.tls.key {
        case .file(let path): connection.clientKey = secrets.absolute(path)
        case .env: throw failure("tls.key", "must be a file", "Write it as {file: path}.")
        case nil: break
        }
        let (header, credential) = try credential()
        return Resolved(header: header, credential: credential, connection: connection)
    }

    private func credential() throws -> (String?, Secret?) {
        switch destination.auth {
        case .bearer(let reference)?:
            return ("Authorization", Secret("Bearer \(try secret(reference).exposed)"))
        case .basic(let user, let reference)?:
            let pair = Array("\(user):\(try secret(reference).exposed)".utf8)
            return ("Authorization", Secret("Basic \(Base64.encode(pair))"))
        case .header(let name, let reference)?: return (name, try secret(reference))
        case .query?, .body?, .oauth2?, nil: return (nil, nil)
        }
    }

    /// A secret that the command itself was given the name of.
    func secret(env name: String) throws -> Secret { try secret(.env(name)) }

    private func secret(_ reference: SecretReference) throws -> Secret {
        do throws(SecretError) {
            return try secrets.resolve(reference)
        } catch {
            throw failure("auth", "\(error)", "Set it, and try again.")
        }
    }

    private func failure(_ key: String, _ problem: String, _ advice: String) -> CommandFailure {
        CommandFailure(.badInput, "destination \(destination.name), \(key): \(problem). \(advice)")
    }
}

/// A JSON document on a line of its own.
func jsonLine(_ value: Value) -> [UInt8] {
    var text = JSONText()
    text.value(value)
    return text.bytes + [UInt8(ascii: "\n")]
}

/// Asks a person. Without one at the terminal the answer is no.
func isConfirmed(_ question: String) -> Bool {
    guard Terminal.error.isInteractive else { return false }
    Terminal.error.write("\(question) [y/N] ")
    return ["y", "yes"].contains((readLine() ?? "").lowercased())
}

extension String {
    /// For a terminal: names and messages from elsewhere may hold control characters.
    var printable: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
    }
}
