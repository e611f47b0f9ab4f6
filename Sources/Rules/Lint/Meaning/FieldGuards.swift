import CEL

/// Which fields are known once an expression has come to a value.
///
/// A condition that needs a field and has a value had the field: `record.A == 1` is neither true nor false without A.
final class FieldGuards {
    private struct Question: Hashable {
        let id: Int
        let outcome: Bool?
    }

    /// Count only what asks about a field (`has`, `known`, `changed`, ...), and not what merely uses it.
    private let explicitOnly: Bool
    /// Answers for the nodes of one tree: without them, nested conditions would be asked again and again.
    private var answers: [Question: Set<String>] = [:]

    /// For the nodes of one tree.
    init(explicitOnly: Bool = false) { self.explicitOnly = explicitOnly }

    /// - Parameter outcome: what the expression came to; nil is anything.
    func known(after expression: CELExpression, _ outcome: Bool?) -> Set<String> {
        let question = Question(id: expression.id, outcome: outcome)
        if let answer = answers[question] { return answer }
        let answer = find(expression, outcome)
        answers[question] = answer
        return answer
    }

    private func find(_ expression: CELExpression, _ outcome: Bool?) -> Set<String> {
        switch expression.kind {
        case .and(let operands): return joined(operands, decisive: false, outcome)
        case .or(let operands): return joined(operands, decisive: true, outcome)
        case .unary(.not, let operand): return known(after: operand, outcome.map { !$0 })
        case .conditional(let test, let then, let otherwise):
            let first = known(after: test, true).union(known(after: then, outcome))
            return first.intersection(known(after: test, false).union(known(after: otherwise, outcome)))
        case .has(let operand, let name):
            var fields = known(after: operand, nil)
            if outcome == true, let path = path(of: operand) {
                fields.insert((path + [name.text]).joined(separator: "."))
            }
            return fields
        case .call: return call(expression, outcome)
        case .macro(let macro): return known(after: macro.range, nil)
        default: return used(in: expression)
        }
    }

    /// `&&` (decisive: false) and `||` (decisive: true): with the decisive outcome any one operand may have decided.
    private func joined(_ operands: [CELExpression], decisive: Bool, _ outcome: Bool?) -> Set<String> {
        if outcome == !decisive {
            return operands.reduce(into: []) { $0.formUnion(known(after: $1, outcome)) }
        }
        let decided = intersection(operands.map { known(after: $0, decisive) })
        guard outcome == nil else { return decided }
        let all = operands.reduce(into: Set<String>()) { $0.formUnion(known(after: $1, !decisive)) }
        return decided.intersection(all)
    }

    private func intersection(_ sets: [Set<String>]) -> Set<String> {
        guard var result = sets.first else { return [] }
        for set in sets.dropFirst() { result.formIntersection(set) }
        return result
    }

    private func call(_ expression: CELExpression, _ outcome: Bool?) -> Set<String> {
        guard let names = FieldFunctions.names(in: expression) else { return used(in: expression) }
        // Of several names any may be the one.
        guard outcome == true, names.count == 1, let name = names[0].stringLiteral else { return [] }
        return [name]
    }

    private func used(in expression: CELExpression) -> Set<String> {
        guard !explicitOnly else { return [] }
        if let reference = FieldReference(expression) { return reference.needed.map { [$0] } ?? [] }
        return expression.children.reduce(into: []) { $0.formUnion(known(after: $1, nil)) }
    }

    /// `record` → [], `record.A` → ["A"]; nil for anything else.
    private func path(of expression: CELExpression) -> [String]? {
        if case .identifier("record", _) = expression.kind { return [] }
        return FieldReference(expression)?.steps.map(\.name)
    }
}

extension Set<String> {
    /// Whether the field, or something below it, is among these.
    func tells(_ path: String) -> Bool { contains(path) || contains { $0.hasPrefix(path + ".") } }
}
