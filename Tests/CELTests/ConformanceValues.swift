import CEL

extension CELValue {
    /// A `cel.expr.Value`.
    init(proto message: TextMessage) {
        guard let name = message.fields.first?.name else {
            self = .null
            return
        }
        switch name {
        case "bool_value": self = .bool(message.flag(name))
        case "int64_value": self = .int(message.word(name).flatMap { Int64($0) } ?? 0)
        case "uint64_value": self = .uint(message.word(name).flatMap { UInt64($0) } ?? 0)
        case "double_value": self = .double(message.word(name).flatMap { Double($0) } ?? 0)
        case "string_value": self = .string(message.text(name) ?? "")
        case "bytes_value": self = .bytes(message.bytes(name) ?? [])
        case "type_value": self = .type(message.text(name) ?? "")
        case "list_value":
            self = .list((message.message(name)?.messages("values") ?? []).map(CELValue.init(proto:)))
        case "map_value": self = .map(CELMap((message.message(name)?.messages("entries") ?? []).compactMap(Self.entry)))
        case "object_value": self = Self.object(message.message(name))
        default: self = .null
        }
    }

    private static func entry(_ message: TextMessage) -> (CELKey, CELValue)? {
        guard let key = message.message("key"), let value = message.message("value") else { return nil }
        return CELKey(CELValue(proto: key)).map { ($0, CELValue(proto: value)) }
    }

    private static func object(_ message: TextMessage?) -> CELValue {
        guard let name = message?.fields.first?.name, let content = message?.message(name) else { return .null }
        let seconds = content.word("seconds").flatMap { Int64($0) } ?? 0
        let nanoseconds = content.word("nanos").flatMap { Int64($0) } ?? 0
        if name.contains("Duration") {
            return .duration(CELDuration(nanoseconds: seconds * 1_000_000_000 + nanoseconds))
        }
        return CELTimestamp(seconds: seconds, nanoseconds: nanoseconds).map { .timestamp($0) } ?? .null
    }

    /// Equal in kind and value: here int, uint and double differ, and NaN is NaN.
    func isIdentical(to other: CELValue) -> Bool {
        guard typeName == other.typeName else { return false }
        switch (self, other) {
        case (.double(let left), .double(let right)): return left == right || (left.isNaN && right.isNaN)
        case (.list(let left), .list(let right)):
            return left.count == right.count && zip(left, right).allSatisfy { $0.isIdentical(to: $1) }
        case (.map(let left), .map(let right)):
            return left.count == right.count
                && zip(left.keys, left.values).allSatisfy { right[$0]?.isIdentical(to: $1) ?? false }
        default: return equals(other)
        }
    }
}

extension CELType {
    /// A `cel.expr.Type`.
    init(proto message: TextMessage) {
        guard let name = message.fields.first?.name else {
            self = .dyn
            return
        }
        let inner = message.message(name)
        func type(_ field: String) -> CELType { inner?.message(field).map(CELType.init(proto:)) ?? .dyn }
        switch name {
        case "primitive": self = Self.words[message.word(name) ?? ""] ?? .dyn
        case "well_known": self = Self.words[message.word(name) ?? ""] ?? .dyn
        case "null": self = .null
        case "list_type": self = .list(type("elem_type"))
        case "map_type": self = .map(type("key_type"), type("value_type"))
        case "type_param": self = .parameter(message.text(name) ?? "")
        case "type": self = .type(inner.map(CELType.init(proto:)) ?? .dyn)
        case "message_type": self = message.text(name)?.hasSuffix("Duration") == true ? .duration : .timestamp
        case "abstract_type":
            let parameters = (inner?.messages("parameter_types") ?? []).map(CELType.init(proto:))
            let abstract = inner?.text("name") ?? ""
            self = abstract == "optional_type" ? .optional(parameters.first ?? .dyn) : .abstract(abstract, parameters)
        default: self = .dyn
        }
    }

    private static let words: [String: CELType] = [
        "BOOL": .bool, "INT64": .int, "UINT64": .uint, "DOUBLE": .double, "STRING": .string, "BYTES": .bytes,
        "TIMESTAMP": .timestamp, "DURATION": .duration,
    ]
}
