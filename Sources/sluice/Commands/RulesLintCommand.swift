import ArgumentParser
import Curl
import Events
import Glibc
import Relay
import Rules
import Settings

/// `rules lint`
struct RulesLintCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint",
        abstract: "Reports everything that is wrong with rule files, with file, line and column.",
        discussion: """
            A relay checks its rules by the same code before it takes them. Exits with 2 if there is an error (with \
            --strict also for warnings), with 3 if a file or folder is there and cannot be read.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json, github }

    @Argument(
        help:
            "Folders or files that are one set. By default the rules of the configuration, or ./rules.")
    var paths: [String] = []
    @OptionGroup var options: ConfigurationOption
    @Option(
        help:
            "Hold names and types of fields against this snapshot: <Entity>.avsc and <Entity>.json files."
    )
    var schema: String?
    @Option(help: "text, json, or github for annotations in GitHub Actions.") var format = Format.text
    @Flag(help: "The same as --format json.") var json = false
    @Flag(help: "Warnings are errors.") var strict = false
    @Flag(
        help:
            "Also ask FlowMate and integrator.io: do the flows exist, do they run, and does 'data' fit what they take?")
    var online = false
    @Flag(
        help:
            "Make the changes that are certain (spelling, quoting, operators, durations) in the files.")
    var fix = false

    func run() async throws {
        let target = try target()
        var options = Lint.Options(knownOrgs: target.orgs, schema: try snapshot())
        var report: LintReport
        var mended = ""
        var results: [CheckResult] = []
        let lookup = try online ? OnlineLint(environment: onlineEnvironment()) : nil
        do throws(RuleFolderError) {
            let sources = try RuleFolder.read(paths: target.paths)
            if fix {
                (report, mended) = try mend(sources, options, target.paths)
            } else {
                report = Lint.check(sources, options: options)
            }
            if let lookup, let rules = report.ruleSet {
                results = await lookup.check(rules)
                options.schema = await lookup.contracts(of: rules).adding(to: options.schema)
                report = Lint.check(fix ? try RuleFolder.read(paths: target.paths) : sources, options: options)
            }
        } catch {
            throw CommandFailure(error)
        }
        switch json ? .json : format {
        case .json: Terminal.output.write(report.json + "\n")
        case .github: Terminal.output.write(report.github { RuleFolder.file($0, in: target.paths) })
        case .text: Terminal.output.write(mended + report.text + summary(report))
        }
        show(results)
        if report.fails(strict: strict) { throw CommandFailure(.badInput) }
        if results.contains(where: { $0.level == .failure }) { throw CommandFailure(.environment) }
    }

    private func onlineEnvironment() throws -> SinkEnvironment {
        let loaded = try options.load()
        return SinkEnvironment(
            http: CurlClient(), clock: .system, version: Sluice.version, secrets: loaded.secrets,
            logger: loaded.logger())
    }

    /// What the platforms say is about no line of a file: where lines are expected, it goes beside them.
    private func show(_ results: [CheckResult]) {
        for result in results where result.level != .ok || format == .text && !json {
            let advice = result.advice.isEmpty ? "" : " \(result.advice)"
            let line = "\(result.level.rawValue): \(result.subject): \(result.message)\(advice.isEmpty ? "" : ".")\(advice)\n"
            if json || format != .text { Terminal.error.write(line) } else { Terminal.output.write(line) }
        }
    }

    private func snapshot() throws -> OrgSchema? {
        guard let schema else { return nil }
        do throws(OrgSchemaError) {
            return try OrgSchema(folder: schema)
        } catch {
            throw CommandFailure(.badInput, "\(error)")
        }
    }

    /// - Returns: what is left to do by hand, and which files were changed.
    private func mend(
        _ sources: [RuleSource], _ options: Lint.Options, _ paths: [String]
    ) throws(RuleFolderError) -> (LintReport, String) {
        let fixes = RuleFixes(sources, options: options)
        let changes = fixes.changes(from: sources)
        for change in changes {
            try RuleFixes.write(change.bytes, to: RuleFolder.file(change.path, in: paths))
        }
        guard !changes.isEmpty else { return (fixes.report, "") }
        let files = changes.map(\.path).joined(separator: ", ")
        return (fixes.report, "\(counted(fixes.fixCount, "change")) made in \(files)\n")
    }

    private func summary(_ report: LintReport) -> String {
        let rules = report.ruleSet.map { ", " + counted($0.ruleIDs.count, "rule") } ?? ""
        let fixable = fix || report.fixableCount == 0 ? "" : "; --fix mends \(report.fixableCount)"
        return "\(counted(report.fileCount, "file"))\(rules): \(report.errorsInWords), "
            + "\(report.warningsInWords)\(fixable)\n"
    }

    /// Without paths the configuration says where the rules are, and which orgs they may name.
    private func target() throws -> (paths: [String], orgs: [String]?) {
        guard paths.isEmpty else { return (paths, nil) }
        // Without a configuration, ./rules; with a broken one, or one that was asked for by name, no guess is made.
        guard access(options.config, F_OK) == 0 || options.config != ConfigurationOption.usual else {
            return (["rules"], nil)
        }
        let configuration = try options.configuration(showsWarnings: true)
        return ([configuration.rulesPath], configuration.orgs.map(\.alias))
    }
}
