import Events
import Rules

/// The text of the test beside a drafted rule file: the sample goes where the draft sends it, another event does not.
struct DraftTest {
    let subject: DraftSubject
    let stem: String
    /// The draft, compiled.
    let rules: RuleSet

    var text: String {
        let origin = subject.isMadeUp ? "made up: replace it by a real one (`sluice tap --json --events`)" : "recorded"
        var lines = [
            "# yaml-language-server: $schema=./sluice-rules-test-1.json", "# Run with `sluice rules test`.",
            "sluice: 1",
            "suite: \(subject.event.entity)", "rules: [\(Self.json(.string("\(stem).yaml")))]", "tests:",
            "  - name: the sample is delivered # it is \(origin)",
            "    event: {fixture: \(Self.json(.string("\(stem).event.json")))}", "    expect:",
        ]
        lines += ["      matched: [\(rules.ruleIDs.joined(separator: ", "))]", "      deliveries:"]
        for delivery in rules.route(subject.event, now: subject.event.receivedAt).deliveries {
            lines += expected(delivery)
        }
        return (lines + other).joined(separator: "\n") + "\n"
    }

    private func expected(_ delivery: Delivery) -> [String] {
        var lines = ["        - rule: \(delivery.rule)", "          destination: \(delivery.destination)"]
        if case .run(let run) = delivery.target {
            let (from, until) = (Timestamp.rfc3339(run.from), Timestamp.rfc3339(run.until))
            return lines + [
                "          window: {from: \"\(from)\", until: \"\(until)\"}"
            ]
        }
        guard case .record(let body)? = try? JSONReader.parse(delivery.body) else { return lines }
        lines.append("          body:")
        return lines + entries(body, indent: 12)
    }

    /// JSON is YAML, one entry to a line.
    private func entries(_ fields: Fields, indent: Int) -> [String] {
        let spaces = String(repeating: " ", count: indent)
        return fields.fields.flatMap { field -> [String] in
            if field.name == "data", case .record(let inner) = field.value {
                return ["\(spaces)data:"] + entries(inner, indent: indent + 2)
            }
            return ["\(spaces)\(Self.json(.string(field.name))): \(Self.json(field.value))"]
        }
    }

    private static func json(_ value: Value) -> String {
        if case .string(let text) = value, text.isPlainKey { return text }
        var json = JSONText()
        json.value(value)
        return json.string
    }

    /// An event that the rule leaves alone.
    private var other: [String] {
        let entity = subject.event.entity
        let event: String
        let name: String
        if subject.isPlatform {
            (name, event) = ("another event is not", "event: Another_Event__e")
        } else if subject.isDelete || subject.isGap {
            (name, event) = (
                "an update is not",
                "entity: \(entity), change: update, ids: [a00000000000002AAA], changed: {Name: Other}"
            )
        } else {
            (name, event) = ("a delete is not", "entity: \(entity), change: delete, ids: [a00000000000002AAA]")
        }
        return [
            "", "  - name: \(name)", "    event: {\(event)}", "    expect:", "      matched: []",
            "      deliveries: []",
        ]
    }
}

extension String {
    /// Letters, at least two, that YAML takes as text.
    fileprivate var isPlainKey: Bool {
        !isEmpty && unicodeScalars.allSatisfy { ("a"..."z").contains($0) || ("A"..."Z").contains($0) }
            && !["true", "false", "null", "True", "False", "Null", "TRUE", "FALSE", "NULL"].contains(self)
            && !["y", "n", "yes", "no", "on", "off"].contains(lowercased())
    }
}
