import ArgumentParser
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
            do throws(RuleFolderError) {
                let target = try target()
                report = try Lint.check(paths: target.paths, options: Lint.Options(knownOrgs: target.orgs))
            } catch {
                throw CommandFailure(.environment, "\(error)")
            }
            if json || format == .json {
                Terminal.output.write(report.json + "\n")
            } else {
                Terminal.output.write(report.text + summary(report))
            }
            if report.errorCount > 0 || (strict && report.warningCount > 0) { throw CommandFailure(.badInput) }
        }

        private func summary(_ report: LintReport) -> String {
            func count(_ number: Int, _ word: String) -> String { "\(number) \(word)\(number == 1 ? "" : "s")" }
            let rules = report.ruleSet.map { ", " + count($0.ruleIDs.count, "rule") } ?? ""
            return "\(count(report.fileCount, "file"))\(rules): \(count(report.errorCount, "error")), "
                + "\(count(report.warningCount, "warning"))\n"
        }

        /// Without paths the configuration says where the rules are, and which orgs they may name.
        private func target() throws(RuleFolderError) -> (paths: [String], orgs: [String]?) {
            guard paths.isEmpty else { return (paths, nil) }
            guard let configuration = (try? ConfigurationFile(path: options.config))?.configuration else {
                return (["rules"], nil)
            }
            return ([configuration.rulesPath], configuration.orgs.map(\.alias))
        }
    }
}
