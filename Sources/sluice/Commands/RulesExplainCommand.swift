import ArgumentParser
import Events
import FoundationEssentials
import Relay
import Rules

/// `rules explain`
struct RulesExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Shows why an event went where it went, rule by rule.",
        discussion: """
            For each rule about the event's object: every condition in written order, whether it held, and the values \
            it saw. A field that the event does not tell shows as absent, which is neither null nor false.

            Of an event in the journal, a rule with 'bodies: redacted' shows the kinds of values, and not the values; where its \
            request goes (path, flow) is shown.

            Rules that read the record from Salesforce (needs: fetch, onGap: fetch) are shown with what --record gives \
            them, a JSON object of fields.
            """)

    @Argument(help: "A recorded event (a file), or the replay ID of an event in the journal.") var event: String
    @Option(help: "Rules to explain: a folder or file. By default those in force, or of the configuration.")
    var rules: String?
    @Option(help: "Only this rule; may be given several times.") var rule: [String] = []
    @Option(help: "A JSON file with the fields that reading the record would give.") var record: String?
    @Flag(help: "Also rules about other objects.") var all = false
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var options: ConfigurationOption

    func run() async throws {
        let set = try await RuleFiles(rules, options).ruleSet()
        let known = Set(set.ruleIDs)
        for id in rule where !known.contains(id) {
            throw CommandFailure(
                .badInput,
                UnknownName.text(
                    "there is no rule '\(id)'", id, among: set.ruleIDs, has: "There is", hasNone: "There is no rule at all."))
        }
        var facts = RoutingFacts()
        if let record { facts.record = .read(try fields(record)) }
        let only = rule.isEmpty ? nil : Set(rule)
        // Who gave the file has what is in it.
        let isStored = !GivenEvents.isFile(event)
        for event in try await GivenEvents.named(event, options) {
            var explanations = set.explain(event, now: TimeSource.system.wall(), facts: facts, only: only)
            if isStored { explanations = explanations.map(\.limited) }
            if json {
                var text = JSONText()
                text.value(
                    ExplanationText.value(explanations, of: event, record: isStored ? set.shownRecord(of: event) : .full))
                Terminal.output.write(text.string + "\n")
            } else {
                Terminal.output.write(ExplanationText.text(explanations, of: event, showsAll: all || !rule.isEmpty))
            }
        }
    }

    private func fields(_ path: String) throws -> Fields {
        let bytes = try InputFile.read(path, maximumBytes: GivenEvents.maximumBytes, advice: "It is one JSON object.")
        guard case .record(let fields)? = try? JSONReader.parse(bytes)
        else { throw CommandFailure(.badInput, "\(path) is no file with one JSON object of fields.") }
        return fields
    }
}

/// Rules named on the command line, or those in force; while no relay runs, those of the configuration.
struct RuleFiles {
    private let path: String?
    private let options: ConfigurationOption

    init(_ path: String?, _ options: ConfigurationOption) {
        self.path = path
        self.options = options
    }

    func ruleSet() async throws -> RuleSet {
        if let path { return try ruleSet(in: path) }
        let configuration = try options.configuration(showsWarnings: true)
        let lint = Lint.Options(knownOrgs: configuration.orgs.map(\.alias))
        guard let running = try await RunningRules.ask(configuration), let rules = running.ruleSet(lint) else {
            return try ruleSet(in: configuration.rulesPath)
        }
        if let note = running.note(onDisk: configuration.rulesPath, lint) { Terminal.error.write("sluice: \(note)\n") }
        return rules
    }

    /// Prints findings and ends the command if there is an error among them.
    private func ruleSet(in path: String) throws -> RuleSet {
        let report: LintReport
        do throws(RuleFolderError) {
            report = try Lint.check(paths: [path])
        } catch {
            throw CommandFailure(error)
        }
        guard let rules = report.ruleSet else {
            Terminal.error.write(report.text)
            throw CommandFailure(.badInput, "the rules have \(report.errorsInWords), see above.")
        }
        return rules
    }
}
