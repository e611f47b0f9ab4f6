import ArgumentParser
import Curl
import Events
import Logging
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
    let destination: Destination
    let secrets: SecretStore
    let rules: RuleSet
    /// What calls are made with. Whoever makes them paces them.
    let environment: SinkEnvironment

    init(destination: Destination, secrets: SecretStore, rules: RuleSet) {
        self.destination = destination
        self.secrets = secrets
        self.rules = rules
        environment = SinkEnvironment(
            http: CurlClient(), clock: .system, version: Sluice.version, secrets: secrets,
            logger: Logger(label: "sluice") { LineLogHandler(label: $0, format: .text, logLevel: .warning) })
    }

    /// Ends the command if the destination cannot be called as it is configured.
    func access<Settings>(
        _ settings: (Destination, SinkEnvironment) throws(SinkFinding) -> Settings
    ) throws -> Settings {
        do throws(SinkFinding) {
            return try settings(destination, environment)
        } catch {
            throw CommandFailure(.badInput, "\(error)")
        }
    }

    /// A secret that the command itself was given the name of.
    func secret(env name: String) throws -> Secret {
        do throws(SecretError) {
            return try secrets.resolve(.env(name))
        } catch {
            throw CommandFailure(.badInput, "destination \(destination.name): \(error). Set it, and try again.")
        }
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
