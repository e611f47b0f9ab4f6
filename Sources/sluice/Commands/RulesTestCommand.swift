import ArgumentParser
import Glibc
import RuleTests
import Rules
import Settings

/// `rules test`
struct RulesTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Runs the tests beside rule files (*.test.yaml).",
        discussion: """
            Takes events through the rules to the exact requests, signatures included, on a clock of its own: nothing \
            is sent, no secret is read. Exits with 1 if a test failed, with 2 if a file is wrong.
            """)

    @Argument(help: "Folders or test files. By default the rules of the configuration, or ./rules.")
    var paths: [String] = []
    @OptionGroup var options: ConfigurationOption
    @Option(help: "The folder of the rule set; by default that of the tests.") var rules: String?
    @Option(help: "Only tests whose name, or whose suite's name, holds this text.") var filter: String?
    @Option(help: "Percent of rules and branches that tests must take both ways.") var coverage: Double?
    @Flag(help: "Rewrite the expected deliveries of failing tests.") var update = false
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if let coverage, !(0...100).contains(coverage) {
            throw ValidationError("--coverage is a percentage, from 0 to 100.")
        }
    }

    func run() async throws {
        let target = try target()
        var settings = RuleTester.Options()
        settings.rules = rules
        settings.filter = filter
        settings.coverage = coverage
        settings.updates = update
        settings.knownOrgs = target.orgs
        let report: TestReport
        do {
            report = try await RuleTester(options: settings).run(paths: target.paths)
        } catch let error as RuleFolderError {
            throw CommandFailure(error)
        } catch let error as TestFileError {
            throw CommandFailure(.badInput, "\(error)")
        }
        Terminal.output.write(json ? report.json + "\n" : report.text)
        if report.tests == 0, report.verdict == .passed {
            let what = filter.map { "no test with '\($0)' in its name" } ?? "no tests (*.test.yaml)"
            throw CommandFailure(.badInput, "there are \(what) in \(target.paths.joined(separator: ", ")).")
        }
        switch report.verdict {
        case .passed: return
        case .failed: throw CommandFailure(.failed)
        case .badInput: throw CommandFailure(.badInput)
        }
    }

    /// Without paths the configuration says where the rules are, and which orgs they may name.
    private func target() throws -> (paths: [String], orgs: [String]?) {
        guard paths.isEmpty else { return (paths, nil) }
        guard access(options.config, F_OK) == 0 || options.config != ConfigurationOption.usual else {
            return (["rules"], nil)
        }
        let configuration = try options.configuration(showsWarnings: true)
        return ([configuration.rulesPath], configuration.orgs.map(\.alias))
    }
}
