import ArgumentParser
import Events
import FoundationEssentials
import Relay
import Rules
import Settings
import Store

struct EventCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "event", abstract: "Follows one event through the relay.", subcommands: [Show.self])

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows what became of an event: received, rules, attempts, answers.",
            discussion: """
                Looks into the journal, the outbox and the dead letters, and into what a running relay remembers of its \
                last attempts. The rules are those of now. By a delivery's ID it shows the event that the delivery \
                came of.
                """)

        @Argument(
            help: ArgumentHelp(
                "The event's replay ID, base64 (as tap, dlq list and the log print it) or hex; or a delivery's ID.",
                valueName: "id"))
        var id: String
        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let caller = try ControlCaller(options) { store in
                let rules = Self.rules(try options.configuration())
                return EventRoutes.make(store: store, rules: { rules })
            }
            let request = Array(try JSONEncoder().encode(EventRequest(replayID: id)))
            let answer = try await caller.answer(route: "event.show", bytes: request)
            if json { return Terminal.output.write(answer + [UInt8(ascii: "\n")]) }
            guard case .record(let fields)? = try? JSONReader.parse(answer) else {
                throw CommandFailure(.failed, "the running relay answers in another form than this version expects.")
            }
            Terminal.output.write(EventText(fields).text)
        }

        /// While no relay runs, those of the configuration.
        private static func rules(_ configuration: Configuration) -> RuleSet? {
            let options = Lint.Options(knownOrgs: configuration.orgs.map(\.alias))
            let report = try? Lint.check(paths: [configuration.rulesPath], options: options)
            if let rules = report?.ruleSet { return rules }
            Terminal.error.write(
                "sluice: the rules in \(configuration.rulesPath) have errors, so what they make of the event is left "
                    + "out; `sluice rules lint` shows them.\n")
            return nil
        }
    }
}

/// The story of an event for people.
struct EventText {
    private let fields: Fields
    private let output = Terminal.output

    init(_ fields: Fields) { self.fields = fields }

    var text: String {
        var text = "Event \(fields.text("replayId"))\n"
        if fields["topic"] != nil {
            let trace = fields.text("rpcId")
            text += "  received \(fields.text("receivedAt")) on \(fields.text("topic")) of org \(fields.text("org"))"
            text += (trace.isEmpty ? "" : output.styled("  rpc-id \(trace)", .dim)) + "\n"
        }
        let problem = fields.text("problem")
        if !problem.isEmpty { text += "  " + output.styled(problem, .yellow) + "\n" }
        let others = fields.records("otherDeliveries")
        for entry in fields.records("events") { text += self.text(entry, hasOthers: !others.isEmpty) }
        let replayed = fields.records("replayedDeliveries")
        if !replayed.isEmpty { text += "\nBy replays:\n" + replayed.map(delivery).joined() }
        if !others.isEmpty {
            let reads = fields.records("events").contains { $0["reads"] == .bool(true) }
            text += reads ? "\nDeliveries:\n" : "\nDeliveries that the rules of now would not make:\n"
            text += others.map(delivery).joined()
        }
        return text
    }

    /// - Parameter hasOthers: deliveries are shown behind the events.
    private func text(_ entry: Fields, hasOthers: Bool) -> String {
        guard case .record(let event)? = entry["event"] else { return "" }
        var text = "\n\(event.text("entity")) \(event.text("recordId")) \(event.text("change")), "
        text += "committed \(event.text("time")), id \(event.text("id"))\n"
        if let record = event["record"] {
            var json = JSONText()
            json.value(record)
            text += "  " + output.styled(json.string, .dim) + "\n"
        }
        let rules = entry.records("rules")
        if entry["reads"] == .bool(true) {
            text += "  a rule has more read from Salesforce before it decides; "
            text += hasOthers ? "what came of that stands below" : "of that no delivery waits, is dead or is remembered"
            text += "\n"
        } else if entry["rules"] != nil, rules.isEmpty {
            text += "  no rule matches it; `sluice rules explain REPLAY-ID` says why\n"
        }
        for rule in rules { text += "  rule \(rule.text("rule")): \(rule.text("outcome").split(separator: "_").joined(separator: " "))\n" }
        if case .list(let failures)? = entry["failures"] {
            for case .string(let failure) in failures { text += "  " + output.styled(failure, .red) + "\n" }
        }
        text += entry.records("deliveries").map(delivery).joined()
        for shadow in entry.records("shadows") {
            text += "  → \(shadow.text("destination")) \(shadow.text("target"))".trimmed
            text += " by \(shadow.text("rule")): shadow, so it is not sent\n"
        }
        return text
    }

    private func delivery(_ fields: Fields) -> String {
        let state = fields.text("state")
        let style: Terminal.Style =
            switch state {
            case "dead", "dropped": .red
            case "pending": .yellow
            default: .green
            }
        var text = "  → \(fields.text("destination")) \(fields.text("target"))".trimmed
        text += " by \(fields.text("rule")): \(output.styled(state, style))"
        if !fields.text("detail").isEmpty { text += ", \(fields.text("detail"))" }
        if !fields.text("nextTry").isEmpty { text += ", next try \(fields.text("nextTry"))" }
        text += output.styled("  \(fields.text("id"))", .dim) + "\n"
        for attempt in fields.records("attempts") {
            var line = "      "
            if case .int(let number)? = attempt["number"], number > 0 { line += "attempt \(number) " }
            line += "\(attempt.text("at")): "
            if case .int(let status)? = attempt["status"] { line += "\(status) " }
            line += attempt.text("reason")
            if case .int(let milliseconds)? = attempt["milliseconds"] { line += ", \(milliseconds) ms" }
            if !attempt.text("excerpt").isEmpty { line += output.styled("  \(attempt.text("excerpt"))", .dim) }
            text += line + "\n"
        }
        return text
    }
}

extension String {
    fileprivate var trimmed: String {
        var text = Substring(self)
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
