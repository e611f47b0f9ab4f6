import ArgumentParser
import Documents
import Events
import Relay

struct TapCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tap", abstract: "Shows events and deliveries as they pass a running relay.",
        discussion: """
            A tap never holds the relay up: what it is too slow to show is left out, and it says how many. With \
            --json --events each line is a recorded event, which tests of rules read as a fixture.
            """)

    @OptionGroup var options: ConfigurationOption
    @Option(help: "Only this topic, or its last part. May be given several times, as the other filters.")
    var topic: [String] = []
    @Option(help: "Only what this rule had to do with.") var rule: [String] = []
    @Option(help: "Only what goes to this destination.") var destination: [String] = []
    @Option(help: "Only this object or platform event, by API name.") var entity: [String] = []
    @Option(
        parsing: .unconditional, help: "Only every so many of what passes the filters.",
        transform: WholeNumber(range: 1...TapRoutes.maximumSample).parse)
    var sample = 1
    @Option(parsing: .unconditional, help: "End after this many.", transform: WholeNumber.atLeastOne.parse)
    var limit: Int?
    @Flag(help: "Events only.") var events = false
    @Flag(help: "Deliveries only.") var deliveries = false
    @Flag(help: "A JSON line each.") var json = false

    func run() async throws {
        let caller = try ControlCaller(options) { _ in [] }
        guard caller.client.isListening else {
            throw CommandFailure(
                .environment, "no relay is running at the store \(caller.configuration.storePath), so nothing passes.")
        }
        try await warnOfEntities(caller)
        var screen = TapScreen(isJSON: json, isRecording: json && events && !deliveries)
        var shown = 0
        do throws(ControlError) {
            try await caller.client.lines(of: "tap", filter) { line in
                screen.show(line)
                shown += 1
                return limit.map { shown < $0 } ?? true
            }
            if limit.map({ shown < $0 }) ?? true { Terminal.error.write("sluice: the relay has ended, and the tap with it.\n") }
        } catch {
            throw CommandFailure(error)
        }
    }

    /// Objects are known to Salesforce alone: what no topic can bring may still come by a backfill.
    private func warnOfEntities(_ caller: ControlCaller) async throws {
        guard !entity.isEmpty else { return }
        let topics = try await caller.report().topics.map(\.topic)
        for name in entity where !topics.contains(where: { EntityTopic.mayBring(name, $0) }) {
            let known = topics.map { EntityTopic.entity(of: $0) ?? String($0.split(separator: "/").last ?? "") }
            let hint = Suggestion.hint(for: name, in: known) ?? "only a backfill of it would show."
            Terminal.error.write("sluice: no topic of the running relay brings '\(name)': \(hint)\n")
        }
    }

    private var filter: TapFilter {
        var filter = TapFilter()
        filter.topics = topic
        filter.rules = rule
        filter.destinations = destination
        filter.entities = entity
        filter.sample = sample
        filter.events = events || !deliveries
        filter.deliveries = deliveries || !events
        return filter
    }
}

/// Lines of a tap on their way to the output.
struct TapScreen {
    let isJSON: Bool
    /// Events are written as they are, so that each line is a fixture.
    let isRecording: Bool

    mutating func show(_ line: [UInt8]) {
        guard case .record(let fields)? = try? JSONReader.parse(line) else { return }
        if case .int(let dropped)? = fields["dropped"], isRecording || !isJSON {
            Terminal.error.write("sluice: \(dropped) were left out here, since this tap was too slow for them\n")
        }
        guard isJSON else { return Terminal.output.write(text(fields)) }
        guard isRecording else { return Terminal.output.write(line + [UInt8(ascii: "\n")]) }
        guard let event = fields["event"] else { return }
        var text = JSONText()
        text.value(event)
        Terminal.output.write(text.bytes + [UInt8(ascii: "\n")])
    }

    private func text(_ fields: Fields) -> String {
        if case .record(let event)? = fields["event"] { return text(event: event, fields) }
        if case .record(let delivery)? = fields["delivery"] { return text(delivery: delivery) }
        return ""
    }

    private func text(event: Fields, _ fields: Fields) -> String {
        let output = Terminal.output
        var kind = "EVENT"
        var changed = ""
        if case .record(let header)? = event["header"] {
            kind = header.text("changeType")
            if case .list(let names)? = header["changedFields"] {
                changed = names.prefix(4).compactMap { if case .string(let name) = $0 { name } else { nil } }
                    .joined(separator: ", ")
            }
        }
        let outcomes = fields.records("rules").map { rule in
            let outcome = rule.text("outcome")
            return outcome == "matched" ? output.styled(rule.text("rule"), .cyan) : "\(rule.text("rule")) (\(outcome))"
        }
        let target = outcomes.isEmpty ? output.styled("no rule", .dim) : outcomes.joined(separator: ", ")
        return "\(padded(event.text("time"), 24))  \(output.styled(padded(kind, 11), .bold)) \(padded(event.text("entity"), 26)) "
            + "\(padded(event.text("recordId"), 18)) → \(target)"
            + (changed.isEmpty ? "" : output.styled("  [\(changed)]", .dim))
            + output.styled("  \(event.text("replayId"))", .dim) + "\n"
    }

    private func text(delivery: Fields) -> String {
        let output = Terminal.output
        let isDelivered = delivery.text("outcome") == "delivered"
        let mark = isDelivered ? output.styled("✓", .green) : output.styled("✗", .red)
        var what = "\(delivery.text("destination")) \(delivery.text("target"))"
        if case .int(let status)? = delivery["status"] { what += " \(status)" }
        if case .int(let milliseconds)? = delivery["milliseconds"], isDelivered { what += ", \(milliseconds) ms" }
        if !isDelivered { what += ": \(delivery.text("reason"))" }
        return "\(padded(delivery.text("at"), 24))  \(mark) \(what)" + output.styled("  \(delivery.text("id"))", .dim) + "\n"
    }

    private func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}

extension Fields {
    /// Empty for what is no text.
    func text(_ name: String) -> String { if case .string(let text)? = self[name] { text } else { "" } }

    /// The objects of a list; empty for what is no list.
    func records(_ name: String) -> [Fields] {
        guard case .list(let values)? = self[name] else { return [] }
        return values.compactMap { if case .record(let fields) = $0 { fields } else { nil } }
    }
}
