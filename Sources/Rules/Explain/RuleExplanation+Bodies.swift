import Events

extension RuleExplanation {
    /// What it may show of an event that nobody gave, but that the relay has: as much as its rule shows of its requests.
    package var limited: RuleExplanation {
        guard bodies != .full else { return self }
        var copy = self
        copy.clauses = clauses.map(\.shaped)
        for index in deliveries.indices {
            copy.deliveries[index].clauses = deliveries[index].clauses.map(\.shaped)
            guard let body = deliveries[index].delivery?.body else { continue }
            copy.deliveries[index].delivery?.body = Array((bodies.text(body) ?? "").utf8)
        }
        return copy
    }
}

extension RuleExplanation.Clause {
    /// These hold what the record holds; the others, what the header or the rule says.
    private static let ofRecord = ["record", "let", "batch"]

    fileprivate var shaped: RuleExplanation.Clause {
        var copy = self
        copy.values = values.map { name, value in
            Self.ofRecord.contains { name == $0 || name.hasPrefix("\($0).") } ? (name, value.shape) : (name, value)
        }
        return copy
    }
}

extension RuleExplanation.Shown {
    fileprivate var shape: Self {
        guard case .json(let text) = self else { return self }
        var json = JSONText()
        // One that was cut is no JSON any more.
        json.value(BodyDisplay.shape(of: (try? JSONReader.parse(text)) ?? .string(text)))
        return .json(json.string)
    }
}

extension BodyDisplay {
    /// A `RecordedEvent` with no more of its record.
    package func limited(_ recorded: Value) -> Value {
        guard self != .full, case .record(let fields) = recorded else { return recorded }
        return .record(
            Fields(
                fields.fields.compactMap { field in
                    switch field.name {
                    case "record": self == .none ? nil : Fields.Field(name: field.name, value: Self.shape(of: field.value))
                    case "types": nil
                    default: field
                    }
                }))
    }
}
