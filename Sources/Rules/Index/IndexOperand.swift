import CEL

/// The side of a comparison that an event decides: a field, and what counts in its place when the event does not tell it.
struct IndexOperand {
    var field: IndexField
    /// The literal of `record.?F.orDefault(literal)`; nil for a plain `record.F`, which cannot be true without a value.
    var fallback: CELValue?

    /// - Returns: nil for expressions that name no field.
    init?(_ expression: CELExpression, _ constants: IndexConstants) {
        switch expression.qualifiedName {
        case "header.commitUser": field = .commitUser
        case "org.alias": field = .orgAlias
        case "event.topic": field = .topic
        default:
            guard let path = Self.path(expression) else {
                guard let other = Self.withFallback(expression, constants) else { return nil }
                self = other
                return
            }
            guard !path.isOptional else { return nil }
            field = .record(path.text)
        }
    }

    private init(field: IndexField, fallback: CELValue) {
        self.field = field
        self.fallback = fallback
    }

    /// `record.?F.orDefault(literal)`, and `orValue`, which differs only for null.
    private static func withFallback(_ expression: CELExpression, _ constants: IndexConstants) -> IndexOperand? {
        guard case .call(let name, let receiver?, let arguments) = expression.kind, arguments.count == 1,
            name.text == "orDefault" || name.text == "orValue", let path = path(receiver), path.isOptional,
            let value = constants.literal(arguments[0])
        else { return nil }
        return IndexOperand(field: .record(path.text), fallback: value)
    }

    /// `record.A.?B` → `A.B`
    static func path(_ expression: CELExpression) -> (text: String, isOptional: Bool)? {
        guard case .select(let operand, let name, let isOptional) = expression.kind, isName(name.text) else {
            return nil
        }
        if case .identifier("record", _) = operand.kind { return (name.text, isOptional) }
        guard let outer = path(operand) else { return nil }
        return (outer.text + "." + name.text, outer.isOptional || isOptional)
    }

    /// In back quotes a name may hold anything, a full stop too.
    private static func isName(_ text: String) -> Bool {
        text.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
        }
    }
}

/// The constants of a rule's file, so that `vars.limit` is a literal like any other.
struct IndexConstants: Sendable {
    /// By `vars.name`.
    var values: [String: CELValue] = [:]

    /// A literal, a negated one, a constant, or a list of these.
    func literal(_ expression: CELExpression) -> CELValue? {
        switch expression.kind {
        case .literal(let value): return value
        case .unary(.negate, let operand):
            switch literal(operand) {
            case .double(let number): return .double(-number)
            case .int(let number) where number != .min: return .int(-number)
            default: return nil
            }
        case .list(let elements):
            var values: [CELValue] = []
            for element in elements {
                guard !element.isOptional, let value = literal(element.value) else { return nil }
                values.append(value)
            }
            return .list(values)
        default: return expression.qualifiedName.flatMap { values[$0] }
        }
    }
}
