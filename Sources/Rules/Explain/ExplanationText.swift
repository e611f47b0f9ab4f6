import Events

/// Explanations for people, and as JSON.
package struct ExplanationText {
    /// Characters of a body that are shown.
    static let maximumBody = 2_000

    package static func text(_ explanations: [RuleExplanation], of event: Event, showsAll: Bool) -> String {
        let record = event.recordID.isEmpty ? "" : " \(event.recordID)"
        var lines = [
            "\(event.entity) \(event.header == nil ? "event" : event.change)\(record), "
                + "\(Timestamp.rfc3339(event.time)), replay ID \(event.replayID) of \(event.topic)"
        ]
        // Rules about other objects would bury the ones that were meant.
        let about = explanations.filter { showsAll || $0.clauses.first?.state != .isFalse }
        for explanation in about { lines += [""] + self.lines(explanation) }
        let others = explanations.count - about.count
        if others > 0 { lines += ["", "\(others) more rules are about other objects (--all shows them)"] }
        if explanations.isEmpty { lines += ["", "there are no rules"] }
        return lines.joined(separator: "\n") + "\n"
    }

    /// One rule: its verdict, each clause with what it saw, its deliveries.
    package static func lines(_ explanation: RuleExplanation) -> [String] {
        let mode = explanation.isShadow ? " (shadow: recorded, not sent)" : ""
        var lines = ["\(explanation.rule): \(explanation.verdict.rawValue)\(mode)    \(explanation.location)"]
        for clause in explanation.clauses { lines += self.lines(clause).map { "  \($0)" } }
        for outcome in explanation.deliveries {
            let what = outcome.delivery.map { "\(target($0.target)), \($0.id)" } ?? outcome.reason
            lines.append("  → \(outcome.destination): \(what)")
            for clause in outcome.clauses { lines += self.lines(clause).map { "      \($0)" } }
            guard let delivery = outcome.delivery else { continue }
            let body = String(decoding: delivery.body.prefix(maximumBody), as: UTF8.self)
            if !body.isEmpty { lines.append("      \(body)") }
        }
        return lines
    }

    private static func lines(_ clause: RuleExplanation.Clause) -> [String] {
        var lines = ["\(mark(clause.state)) \(clause.key): \(clause.text)"]
        if !clause.reason.isEmpty { lines.append("    \(clause.state.rawValue): \(clause.reason)") }
        // What is plainly true needs no proof, unless it is computed.
        guard clause.state != .isTrue || clause.key == "when" else { return lines }
        return lines + clause.values.map { "    \($0.name) = \($0.value.text)" }
    }

    private static func mark(_ state: RuleExplanation.Clause.State) -> String {
        switch state {
        case .isTrue: "✓"
        case .isFalse: "✗"
        case .unknown: "?"
        case .fault: "!"
        }
    }

    private static func target(_ target: DeliveryTarget) -> String {
        switch target {
        case .webhook(let method, let path, _): path.isEmpty ? method : "\(method) \(path)"
        case .flow(let id, _): "flow \(id)"
        case .listener(let name): "listener \(name)"
        case .run(let run):
            "run of flow \(run.flow) over \(Timestamp.rfc3339(run.from)) … \(Timestamp.rfc3339(run.until))"
        case .batch(let claim): "gathered under \(claim.key)"
        }
    }

    /// `{"event": {...}, "rules": [{"rule", "location", "verdict", "shadow", "clauses": [...], "deliveries": [...]}]}`
    ///
    /// - Parameter record: how much of the event's record is shown.
    package static func value(
        _ explanations: [RuleExplanation], of event: Event, record: BodyDisplay = .full
    ) -> Value {
        .record(["event": record.limited(RecordedEvent(event).value), "rules": .list(explanations.map(value))])
    }

    private static func value(_ explanation: RuleExplanation) -> Value {
        .record([
            "rule": .string(explanation.rule), "location": .string("\(explanation.location)"),
            "verdict": .string(explanation.verdict.rawValue), "shadow": .bool(explanation.isShadow),
            "clauses": .list(explanation.clauses.map(value)), "deliveries": .list(explanation.deliveries.map(value)),
        ])
    }

    private static func value(_ clause: RuleExplanation.Clause) -> Value {
        let values = clause.values.map { entry -> Value in
            var fields: Fields = ["name": .string(entry.name)]
            switch entry.value {
            case .absent: fields.append("absent", .bool(true))
            case .json(let text):
                fields.append("value", (try? JSONReader.parse(text)) ?? .string(text))
            }
            return .record(fields)
        }
        var fields: Fields = [
            "key": .string(clause.key), "text": .string(clause.text), "outcome": .string(clause.state.rawValue),
        ]
        if !clause.reason.isEmpty { fields.append("reason", .string(clause.reason)) }
        fields.append("values", .list(values))
        return .record(fields)
    }

    private static func value(_ outcome: RuleExplanation.Outcome) -> Value {
        var fields: Fields = ["index": .int(Int64(outcome.index)), "destination": .string(outcome.destination)]
        if let delivery = outcome.delivery {
            fields.append("id", .string(delivery.id))
            fields.append("target", .string(target(delivery.target)))
            let text = String(decoding: delivery.body, as: UTF8.self)
            fields.append("body", (try? JSONReader.parse(text)) ?? .string(text))
        } else {
            fields.append("reason", .string(outcome.reason))
        }
        if !outcome.clauses.isEmpty { fields.append("clauses", .list(outcome.clauses.map(value))) }
        return .record(fields)
    }
}
