import ArgumentParser
import Glibc
import Settings
import Rules

struct RulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules", abstract: "Checks rule files.", subcommands: [LintCommand.self])

    struct LintCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "lint",
            abstract: "Reports everything that is wrong with rule files, with file, line and column.",
            discussion: "Exits with 2 if there is an error (with --strict also for warnings).")

        enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

        @Argument(help: "Folders or files that are one set. By default the rules of the configuration, or ./rules.")
        var paths: [String] = []
        @OptionGroup var options: ConfigurationOption
        @Option(help: "text or json.") var format = Format.text
        @Flag(help: "The same as --format json.") var json = false
        @Flag(help: "Warnings are errors.") var strict = false

        func run() async throws {
            let report: LintReport
            let target = try target()
            do throws(RuleFolderError) {
                report = try Lint.check(paths: target.paths, options: Lint.Options(knownOrgs: target.orgs))
            } catch {
                throw CommandFailure(.badInput, "\(error)")
            }
            if json || format == .json {
                Terminal.output.write(report.json + "\n")
            } else {
                Terminal.output.write(report.text + summary(report))
            }
            if report.errorCount > 0 || (strict && report.warningCount > 0) { throw CommandFailure(.badInput) }
        }

        private func summary(_ report: LintReport) -> String {
            let rules = report.ruleSet.map { ", " + counted($0.ruleIDs.count, "rule") } ?? ""
            return "\(counted(report.fileCount, "file"))\(rules): \(counted(report.errorCount, "error")), "
                + "\(counted(report.warningCount, "warning"))\n"
        }

        /// Without paths the configuration says where the rules are, and which orgs they may name.
        private func target() throws -> (paths: [String], orgs: [String]?) {
            guard paths.isEmpty else { return (paths, nil) }
            // Without a configuration, ./rules; with a broken one, or one that was asked for by name, no guess is made.
            guard access(options.config, F_OK) == 0 || options.config != ConfigurationOption.usual else {
                return (["rules"], nil)
            }
            let configuration = try options.configuration()
            return ([configuration.rulesPath], configuration.orgs.map(\.alias))
        }
    }
}
