import CEL

/// The fields that an expression needs although the event may not tell them.
struct AbsentFields {
    struct Field: Equatable {
        var path: String
        var range: Range<Int>
    }

    private(set) var fields: [Field] = []

    /// - Parameter known: fields that are there whatever the event.
    init(in root: CELExpression, known: Set<String>) { visit(root, known) }

    private let guards = FieldGuards(explicitOnly: true)

    private mutating func visit(_ expression: CELExpression, _ known: Set<String>) {
        if let reference = FieldReference(expression) {
            if let path = reference.needed, !known.tells(path) {
                fields.append(Field(path: path, range: reference.range))
            }
            return
        }
        switch expression.kind {
        case .and(let operands): visit(operands, known, beside: true)
        case .or(let operands): visit(operands, known, beside: false)
        case .conditional(let test, let then, let otherwise):
            visit(test, known)
            visit(then, known.union(guards.known(after: test, true)))
            visit(otherwise, known.union(guards.known(after: test, false)))
        case .has(let operand, _):
            // `has(record.A)` needs nothing, `has(record.A.B)` needs A.
            if FieldReference(operand) != nil { visit(operand, known) }
        default: for child in expression.children { visit(child, known) }
        }
    }

    /// Each operand may rely on what the others ask: with `&&` they are all true where it matters, with `||` false.
    private mutating func visit(_ operands: [CELExpression], _ known: Set<String>, beside outcome: Bool) {
        let asked = operands.map { guards.known(after: $0, outcome) }
        for (index, operand) in operands.enumerated() {
            var here = known
            for (other, fields) in asked.enumerated() where other != index { here.formUnion(fields) }
            visit(operand, here)
        }
    }
}
