import ArgumentParser
import Settings
import Logging
import Relay
import Rules
import Store

/// `--config`, and what nearly every command does with it.
struct ConfigurationOption: ParsableArguments {
    @Option(name: .long, help: "The configuration file.")
    var config = Self.usual

    static let usual = "sluice.yaml"

    /// Ends the command with all findings if there is an error.
    ///
    /// - Parameter showsWarnings: for commands that are about the configuration; before the answers of others, warnings
    ///   that were read a hundred times are noise.
    func load(showsWarnings: Bool = false) throws -> Loaded {
        let configuration = try configuration(showsWarnings: showsWarnings)
        let folder = config.lastIndex(of: "/").map { String(config[..<$0]) } ?? ""
        let first: [String: String]
        do throws(EnvironmentFileError) {
            first = try EnvironmentFile.variables(beside: config)
        } catch {
            throw CommandFailure(.badInput, "\(error)")
        }
        // An edit of .env counts with the next reload, without a restart. While it is being edited, it may be unreadable.
        let path = config
        let problem = { @Sendable () -> String? in
            do throws(EnvironmentFileError) { _ = try EnvironmentFile.variables(beside: path) } catch { return "\(error)" }
            return nil
        }
        let secrets = SecretStore(baseDirectory: folder, file: (folder.isEmpty ? "." : folder) + "/.env", problem: problem) {
            (try? EnvironmentFile.variables(beside: path)) ?? first
        }
        return Loaded(configuration: configuration, secrets: secrets)
    }

    /// Without its secrets. See `load`.
    func configuration(showsWarnings: Bool = false) throws -> Configuration {
        let file: ConfigurationFile
        do throws(ConfigurationFileError) {
            file = try ConfigurationFile(path: config)
        } catch {
            throw CommandFailure(.badInput, "\(error)")
        }
        for finding in file.findings where showsWarnings || file.configuration == nil {
            Terminal.error.write(finding.text)
        }
        guard let configuration = file.configuration else { throw CommandFailure(.badInput) }
        return configuration
    }

    /// The store of the configuration, for looking only.
    func readingStore() throws -> Store {
        let path = try configuration().storePath
        do throws(StoreError) {
            return try Store(readingPath: path)
        } catch {
            throw CommandFailure(.environment, "\(error)")
        }
    }
}

/// A configuration and the secrets that it may name.
struct Loaded {
    let configuration: Configuration
    let secrets: SecretStore

    /// Everything that is to be said about the rules of the configuration.
    func lint(against schema: OrgSchema? = nil) throws(RuleFolderError) -> LintReport {
        try Lint.check(
            paths: [configuration.rulesPath],
            options: Lint.Options(knownOrgs: configuration.orgs.map(\.alias), schema: schema))
    }

    /// The rules of the configuration. Ends the command with all findings if there is an error.
    ///
    /// - Parameter showsWarnings: see `ConfigurationOption.load`.
    func ruleSet(showsWarnings: Bool = false) throws -> RuleSet {
        let report: LintReport
        do throws(RuleFolderError) {
            report = try lint()
        } catch {
            throw CommandFailure(error)
        }
        if showsWarnings || report.ruleSet == nil { Terminal.error.write(report.text) }
        guard let rules = report.ruleSet else {
            throw CommandFailure(
                .badInput,
                "the rules in \(configuration.rulesPath) have \(report.errorsInWords), see above; nothing was "
                    + "started.")
        }
        return rules
    }

    func logger() -> Logger {
        let level = Logger.Level(rawValue: configuration.log.level.rawValue) ?? .info
        let format: LineLogHandler.Format = configuration.log.format == .json ? .json : .text
        return Logger(label: "sluice") { LineLogHandler(label: $0, format: format, logLevel: level) }
    }
}

/// Ends the command in plain words if the store cannot answer.
func storeAnswer<Answer>(_ read: () async throws(StoreError) -> Answer) async throws -> Answer {
    do throws(StoreError) {
        return try await read()
    } catch {
        throw CommandFailure(.environment, "\(error)")
    }
}

extension CommandFailure {
    /// What is not there was named wrongly, as any other wrong input; what is there and cannot be read or written is the
    /// machine's.
    init(_ error: RuleFolderError) { self.init(error.kind == .given ? .badInput : .environment, "\(error)") }
}
