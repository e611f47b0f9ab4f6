import Events
import Rules

/// What a tap writes: `{"event":…}`, `{"delivery":…}`, `{"dropped":7}`.
enum TapLines {
    static func line(_ element: TapHub.Element, shown: (Event) -> BodyDisplay) -> [UInt8] {
        var fields: Fields = [:]
        switch element.item {
        case .event(let event, let result):
            fields.append("event", shown(event).limited(RecordedEvent(event).value))
            fields.append("rules", .list(result.outcomes.map(value)))
            fields.append(
                "deliveries",
                .list(
                    result.deliveries.map {
                        .record([
                            "id": .string($0.id), "rule": .string($0.rule), "destination": .string($0.destination),
                        ])
                    }))
            if !result.failures.isEmpty {
                fields.append("failures", .list(result.failures.map { .string($0.description) }))
            }
        case .attempt(let delivery, let attempt): fields.append("delivery", value(delivery, attempt))
        }
        if element.dropped > 0 { fields.append("dropped", .int(Int64(element.dropped))) }
        return bytes(.record(fields))
    }

    static func value(_ outcome: RuleOutcome) -> Value {
        .record(["rule": .string(outcome.rule), "outcome": .string(outcome.kind.rawValue)])
    }

    private static func value(_ delivery: Delivery, _ attempt: RecentDeliveries.Attempt) -> Value {
        .record([
            "id": .string(delivery.id), "rule": .string(delivery.rule), "destination": .string(delivery.destination),
            "target": .string(delivery.target.inWords), "lane": .string(delivery.lane),
            "entity": .string(delivery.origin.entity), "change": .string(delivery.origin.change),
            "recordId": .string(delivery.origin.recordID), "topic": .string(delivery.origin.topic),
            "replayId": .string("\(delivery.origin.replayID)"), "attempt": .int(Int64(attempt.number)),
            "at": .timestamp(attempt.at), "milliseconds": .int(attempt.milliseconds),
            "outcome": .string(attempt.outcome.word), "status": attempt.status.map { .int(Int64($0)) } ?? .null,
            "reason": .string(attempt.reason), "bodyBytes": .int(Int64(delivery.body.count)),
        ])
    }

    /// A number that JSON cannot say (an infinity in a record) must not take the line with it.
    static func bytes(_ value: Value) -> [UInt8] {
        var text = JSONText()
        if text.value(value) { return text.bytes }
        text = JSONText()
        text.value(value.finite)
        return text.bytes
    }
}

extension Value {
    /// With text in the place of numbers that are not finite.
    fileprivate var finite: Value {
        switch self {
        case .double(let number) where !number.isFinite: .string("\(number)")
        case .list(let values): .list(values.map(\.finite))
        case .record(let fields):
            .record(Fields(fields.fields.map { Fields.Field(name: $0.name, value: $0.value.finite) }))
        default: self
        }
    }
}

extension DeliveryTarget {
    /// `POST /orders`, `flow …9f3c` (a FlowMate flow is not shown whole), `listener orders`, `run of flow 64…`
    package var inWords: String {
        switch self {
        case .webhook(let method, let path, _): path.isEmpty ? method : "\(method) \(path)"
        case .flow(let id, _): "flow …\(id.suffix(4))"
        case .listener(let name): "listener \(name)"
        case .run(let request): "run of flow \(request.flow)"
        case .batch(let claim): claim.key.isEmpty ? "batch" : "batch of \(claim.key)"
        }
    }
}
