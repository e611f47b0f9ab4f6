import ArgumentParser
import Control
import Settings
import Curl
import Events
import Glibc
import Logging
import Relay
import Rules

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Checks configuration, rules, store, sign-in, limits, topics and destinations, and says what to mend.",
        discussion: """
            Nothing is subscribed to and nothing is delivered. Exits with 2 if the rules have errors, with 3 if another \
            check fails.
            """)

    @OptionGroup var options: ConfigurationOption
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        let loaded = try options.load(showsWarnings: true)
        let printer = CheckPrinter(isSilent: json)
        var results: [CheckResult] = []
        func report(_ more: [CheckResult]) {
            results += more
            for result in more { printer.show(result) }
        }
        let read = RulesCheck(loaded)
        Terminal.error.write(read.text)
        report([CheckResult(.ok, "configuration", "\(options.config) is well-formed"), read.result])
        report(openSecrets(loaded.secrets))
        let rules = read.ruleSet
        if let rules, let alerts = loaded.configuration.alerts?.destination, rules.destinations[alerts] == nil {
            report([CheckResult(.failure, "alerts", AlertConfiguration.missing(alerts))])
        }
        let path = loaded.configuration.storePath
        report(await StoreCheck(path: path, isAnswering: ControlSocket(storePath: path).isListening).run())
        let http = CurlClient()
        for org in loaded.configuration.orgs {
            report(await OrgCheck(org, secrets: loaded.secrets, http: http).run())
        }
        report(SameOrg.check(results))
        if let rules { report(unheard(rules, loaded.configuration, results)) }
        let environment = SinkEnvironment(
            http: http, clock: .system, version: Sluice.version, secrets: loaded.secrets, logger: loaded.logger())
        let check = DestinationCheck(environment: environment)
        for destination in read.destinations {
            if let rules {
                report(await check.check(destination, of: rules))
            } else {
                report(await check.check(destination))
            }
        }
        if let rules { report(await contracts(of: rules, loaded, environment)) }
        if json { Terminal.output.write(Self.json(results)) } else { printer.summary(results) }
        if rules == nil { throw CommandFailure(read.failure) }
        if results.contains(where: { $0.level == .failure }) { throw CommandFailure(.environment) }
    }

    /// Only the file of all secrets: those that rule files name may be somebody else's to protect.
    private func openSecrets(_ secrets: SecretStore) -> [CheckResult] {
        var status = stat()
        guard let file = secrets.file, stat(file, &status) == 0, status.st_mode & 0o077 != 0 else { return [] }
        return [
            CheckResult(
                .warning, "secrets", "other users of this machine may read or change \(file)",
                advice: "chmod 600 \(file)")
        ]
    }

    private func unheard(
        _ rules: RuleSet, _ configuration: Configuration, _ results: [CheckResult]
    ) -> [CheckResult] {
        let carried = results.reduce(into: [:]) { $0.merge($1.carried) { $0 + $1 } }
        let topics = configuration.orgs.flatMap { $0.topics.map(\.name) }
        return UnheardSubjects.sentences(rules, topics: topics, carried: carried).map {
            CheckResult(.warning, "rules: \($0.name)", $0.text, advice: UnheardSubjects.advice)
        }
    }

    /// What rules deliver, held against what the flows take now.
    private func contracts(
        of rules: RuleSet, _ loaded: Loaded, _ environment: SinkEnvironment
    ) async -> [CheckResult] {
        let contracts = await OnlineLint(environment: environment).contracts(of: rules)
        guard let known = try? loaded.lint(), let held = try? loaded.lint(against: contracts.adding(to: nil)) else {
            return []
        }
        return held.findings.filter { !known.findings.contains($0) }.map { finding in
            CheckResult(
                finding.severity == .error ? .failure : .warning, "rules: \(finding.location)", finding.message,
                advice: finding.hint ?? "")
        }
    }

    private static func json(_ results: [CheckResult]) -> [UInt8] {
        var text = JSONText()
        text.value(
            .list(
                results.map {
                    .record([
                        "level": .string($0.level.rawValue), "subject": .string($0.subject),
                        "message": .string($0.message), "advice": .string($0.advice),
                    ])
                }))
        return text.bytes + [UInt8(ascii: "\n")]
    }
}

/// Shows each check as soon as it is known: some wait for the network.
private struct CheckPrinter {
    let isSilent: Bool

    func show(_ result: CheckResult) {
        guard !isSilent else { return }
        let output = Terminal.output
        let mark =
            switch result.level {
            case .ok: output.styled("ok  ", .green)
            case .warning: output.styled("warn", .yellow)
            case .failure: output.styled("FAIL", .red)
            }
        output.write("\(mark)  \(result.subject): \(result.message)\n")
        if !result.advice.isEmpty { output.write("      \(result.advice)\n") }
    }

    func summary(_ results: [CheckResult]) {
        let failures = results.count { $0.level == .failure }
        let warnings = results.count { $0.level == .warning }
        Terminal.output.write("\(counted(results.count, "check")): \(failures) failed, \(counted(warnings, "warning"))\n")
    }
}
