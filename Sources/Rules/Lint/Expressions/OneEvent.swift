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
    static func visit(_ expression: CELExpression, lets: Set<String>, _ body: (Part, Range<Int>) -> Void) {
        FreeNames.walk(expression) { part, bound in
            if let name = FreeNames.free(part, bound) {
                if variables.contains(name) { body(.variable(name), part.range) }
                // The whole map: all that is in it.
                if name == "let", let first = lets.min() { body(.letName(first), part.range) }
            } else if case .call(let name, nil, _) = part.kind, functions.contains(name.text) {
                body(.function(name.text), part.range)
            } else if let name = letName(part, bound) {
                if lets.contains(name) { body(.letName(name), part.range) }
                return false
            }
            return true
        }
    }

    /// `let.name`, `let.?name`, `has(let.name)` or `let['name']`.
    private static func letName(_ expression: CELExpression, _ bound: Set<String>) -> String? {
        let (operand, name): (CELExpression, String)
        switch expression.kind {
        case .select(let whole, let member, _), .has(let whole, let member): (operand, name) = (whole, member.text)
        case .index(let whole, let key, _):
            guard case .literal(.string(let text)) = key.kind else { return nil }
            (operand, name) = (whole, text)
        default: return nil
        }
        return FreeNames.free(operand, bound) == "let" ? name : nil
    }
}
