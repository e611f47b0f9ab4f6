import Events

/// How much of a body is shown. Bodies are what receivers get: names, prices, addresses. The default shows their shape,
/// enough to see a missing or misspelt field, and nothing that must not be on a shared screen or in a ticket. Who may
/// run the command may read the store anyway, so that `full` needs no further permission.
package enum BodyDisplay: String, Sendable, Codable, CaseIterable {
    case full
    /// JSON: keys as they are, each value as its kind. Anything else: its size.
    case redacted
    case none

    /// - Parameter rule: what the rule allows at most.
    package func limited(by rule: BodyDisplay) -> BodyDisplay {
        let order: [BodyDisplay] = [.none, .redacted, .full]
        return order.first { $0 == rule || $0 == self } ?? self
    }

    /// Nil if nothing is to be shown.
    package func text(_ body: [UInt8]) -> String? {
        switch self {
        case .none: nil
        case .full: String(validating: body, as: UTF8.self) ?? "base64: \(Base64.encode(body))"
        case .redacted: Self.redacted(body)
        }
    }

    private static func redacted(_ body: [UInt8]) -> String {
        guard !body.isEmpty else { return "" }
        guard let value = try? JSONReader.parse(body) else { return "(\(body.count) bytes that are not JSON)" }
        var text = JSONText()
        text.value(shape(of: value))
        return text.string
    }

    /// Keys as they are, each value as its kind.
    package static func shape(of value: Value) -> Value {
        switch value {
        case .null: .null
        case .bool: .string("<boolean>")
        case .int, .double: .string("<number>")
        case .string(let text): .string(text.isEmpty ? "" : "<text of \(text.count)>")
        case .bytes, .timestamp: .string("<text>")
        case .list(let values): .list(values.map(shape))
        case .record(let fields):
            .record(Fields(fields.fields.map { Fields.Field(name: $0.name, value: shape(of: $0.value)) }))
        }
    }
}
