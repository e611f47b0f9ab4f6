import CEL

/// What an expression says of one event, not of the rule or of a batch.
enum OneEvent {
    enum Part: Hashable {
        case variable(String)
        case function(String)
        /// A name under `let` whose own expression says something of one event.
        case letName(String)
    }

    static let variables: Set<String> = ["event", "header", "record", "recordId"]
    static let functions = Set(RuleFunctions.fields.map(\.name))

    /// Every such part, in written order of the tree.
    ///
    /// - Parameter lets: the names under `let` that say something of one event.
    static func visit(
        _ expression: CELExpression, lets: Set<String>, bound: Set<String> = [], _ body: (Part, Range<Int>) -> Void
    ) {
        switch expression.kind {
        case .identifier(let name, let isRooted):
            guard isRooted || !bound.contains(name) else { return }
            if variables.contains(name) { body(.variable(name), expression.range) }
            // The whole map: all that is in it.
            if name == "let", let first = lets.min() { body(.letName(first), expression.range) }
            return
        case .select(let operand, let name, _), .has(let operand, let name):
            guard isLet(operand, bound) else { break }
            if lets.contains(name.text) { body(.letName(name.text), expression.range) }
            return
        case .index(let operand, let key, _):
            guard isLet(operand, bound), case .literal(.string(let name)) = key.kind else { break }
            if lets.contains(name) { body(.letName(name), expression.range) }
            return
        case .call(let name, nil, _):
            if functions.contains(name.text) { body(.function(name.text), expression.range) }
        case .macro(let macro):
            visit(macro.range, lets: lets, bound: bound, body)
            let inner = bound.union(macro.variables.map(\.text))
            for part in [macro.condition, macro.result].compactMap({ $0 }) {
                visit(part, lets: lets, bound: inner, body)
            }
            return
        default: break
        }
        for child in expression.children { visit(child, lets: lets, bound: bound, body) }
    }

    private static func isLet(_ expression: CELExpression, _ bound: Set<String>) -> Bool {
        guard case .identifier("let", let isRooted) = expression.kind else { return false }
        return isRooted || !bound.contains("let")
    }
}
