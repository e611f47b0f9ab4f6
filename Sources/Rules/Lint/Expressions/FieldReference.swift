import CEL

/// A field of `record` as an expression names it: `record.F`, `record.F.G`, `record.?F`, `record['F']`.
struct FieldReference: Equatable {
    struct Step: Equatable {
        var name: String
        var range: Range<Int>
        var isOptional: Bool
    }

    let steps: [Step]
    let range: Range<Int>

    /// Nil for anything else, `record` alone included.
    init?(_ expression: CELExpression) {
        var steps: [Step] = []
        var node = expression
        while true {
            switch node.kind {
            case .select(let operand, let name, let isOptional):
                steps.append(Step(name: name.text, range: name.range, isOptional: isOptional))
                node = operand
            case .index(let operand, let key, let isOptional):
                guard case .literal(.string(let name)) = key.kind else { return nil }
                steps.append(Step(name: name, range: key.range, isOptional: isOptional))
                node = operand
            case .identifier("record", _) where !steps.isEmpty:
                self.steps = steps.reversed()
                range = expression.range
                return
            default: return nil
            }
        }
    }

    /// Dotted, as match blocks and schemas name it.
    var path: String { steps.map(\.name).joined(separator: ".") }

    /// Every step needs its field to be known.
    var isPlain: Bool { !steps.contains(where: \.isOptional) }

    /// The part that has to be known for the expression to have a value; nil if no field has to be.
    var needed: String? {
        let plain = steps.prefix { !$0.isOptional }
        return plain.isEmpty ? nil : plain.map(\.name).joined(separator: ".")
    }
}

extension CELExpression {
    /// Visits every node, parents first. A field of the record is visited as a whole.
    func forEach(_ visit: (CELExpression) -> Void) {
        visit(self)
        guard FieldReference(self) == nil else { return }
        for child in children { child.forEach(visit) }
    }

    var stringLiteral: String? {
        if case .literal(.string(let text)) = kind { text } else { nil }
    }

    var isLiteral: Bool {
        if case .literal = kind { true } else { false }
    }

    /// The operands of `&&`, or the expression itself.
    var conjuncts: [CELExpression] {
        if case .and(let operands) = kind { operands } else { [self] }
    }

    /// The arguments of a call without receiver by one of these names.
    func arguments(ofCallTo names: Set<String>) -> [CELExpression]? {
        guard case .call(let name, nil, let arguments) = kind, names.contains(name.text) else { return nil }
        return arguments
    }
}

/// Functions that ask about fields by their literal names.
enum FieldFunctions {
    static let all: Set<String> = ["changed", "changedTo", "cleared", "known"]
    /// All arguments are names.
    static let variadic: Set<String> = ["changed", "cleared"]

    /// The arguments of a call that name fields.
    static func names(in expression: CELExpression) -> [CELExpression]? {
        guard case .call(let name, nil, let arguments) = expression.kind, all.contains(name.text) else { return nil }
        return variadic.contains(name.text) ? arguments : Array(arguments.prefix(1))
    }
}
