/// Recursive descent over CEL's grammar.
struct Parser {
    private var lexer: Lexer
    private(set) var token: Token
    private(set) var nodeCount = 0
    /// Where the last token taken ended.
    private(set) var previousEnd = 0
    private var recursion = 0
    let options: CELSyntaxOptions

    init(_ source: [Unicode.Scalar], options: CELSyntaxOptions) throws(CELError) {
        lexer = Lexer(source)
        self.options = options
        token = try lexer.next()
    }

    mutating func parse() throws(CELError) -> CELExpression {
        let root = try expression()
        guard token.kind == .end else { throw unexpected("an operator or the end") }
        return root
    }

    /// `or ? or : expression`
    mutating func expression() throws(CELError) -> CELExpression {
        try enter()
        defer { recursion -= 1 }
        let start = token.range.lowerBound
        let condition = try alternatives()
        guard try take(.question) else { return condition }
        let then = try alternatives()
        try expect(.colon)
        let otherwise = try expression()
        return try node(
            .conditional(condition, then: then, otherwise: otherwise),
            start..<previousEnd, over: [condition, then, otherwise])
    }

    private mutating func alternatives() throws(CELError) -> CELExpression {
        let start = token.range.lowerBound
        let first = try conjunction()
        guard token.kind == .symbol(.or) else { return first }
        var operands = [first]
        while try take(.or) { operands.append(try conjunction()) }
        let flat = operands.flatMap { if case .or(let parts) = $0.kind { parts } else { [$0] } }
        return try node(.or(flat), start..<previousEnd, over: flat)
    }

    private mutating func conjunction() throws(CELError) -> CELExpression {
        let start = token.range.lowerBound
        let first = try relation()
        guard token.kind == .symbol(.and) else { return first }
        var operands = [first]
        while try take(.and) { operands.append(try relation()) }
        let flat = operands.flatMap { if case .and(let parts) = $0.kind { parts } else { [$0] } }
        return try node(.and(flat), start..<previousEnd, over: flat)
    }

    private mutating func relation() throws(CELError) -> CELExpression {
        let start = token.range.lowerBound
        var left = try sum()
        while let relation = relationOperator {
            try advance()
            left = try binary(relation, left, try sum(), from: start)
        }
        return left
    }

    private var relationOperator: CELBinaryOperator? {
        switch token.kind {
        case .symbol(.less): .less
        case .symbol(.lessOrEqual): .lessOrEqual
        case .symbol(.greater): .greater
        case .symbol(.greaterOrEqual): .greaterOrEqual
        case .symbol(.equal): .equal
        case .symbol(.notEqual): .notEqual
        case .identifier("in"): .in
        default: nil
        }
    }

    private mutating func sum() throws(CELError) -> CELExpression {
        let start = token.range.lowerBound
        var left = try product()
        while true {
            if try take(.plus) {
                left = try binary(.add, left, try product(), from: start)
            } else if try take(.minus) {
                left = try binary(.subtract, left, try product(), from: start)
            } else {
                return left
            }
        }
    }

    private mutating func product() throws(CELError) -> CELExpression {
        let start = token.range.lowerBound
        var left = try unary()
        while true {
            if try take(.star) {
                left = try binary(.multiply, left, try unary(), from: start)
            } else if try take(.slash) {
                left = try binary(.divide, left, try unary(), from: start)
            } else if try take(.percent) {
                left = try binary(.remainder, left, try unary(), from: start)
            } else {
                return left
            }
        }
    }

    private mutating func unary() throws(CELError) -> CELExpression {
        try enter()
        defer { recursion -= 1 }
        let start = token.range.lowerBound
        if try take(.not) {
            let operand = try unary()
            return try node(.unary(.not, operand), start..<previousEnd, over: [operand])
        }
        guard try take(.minus) else { return try member() }
        if let literal = try negativeLiteral(from: start) { return try members(of: literal, from: start) }
        let operand = try unary()
        return try node(.unary(.negate, operand), start..<previousEnd, over: [operand])
    }

    /// The smallest int has no positive counterpart, so the sign belongs to the literal.
    private mutating func negativeLiteral(from start: Int) throws(CELError) -> CELExpression? {
        let value: CELValue
        switch token.kind {
        case .int(let magnitude):
            guard magnitude <= Int64.min.magnitude else { throw integerTooLarge() }
            value = .int(Int64(truncatingIfNeeded: 0 &- magnitude))
        case .double(let magnitude): value = .double(-magnitude)
        default: return nil
        }
        try advance()
        return try node(.literal(value), start..<previousEnd)
    }

    func integerTooLarge() -> CELError {
        CELError(.syntax, "the integer does not fit in an int; write a 'u' after it for a uint", at: token.range)
    }

    /// - Parameter start: of the left operand, its parentheses included.
    private mutating func binary(
        _ operation: CELBinaryOperator, _ left: CELExpression, _ right: CELExpression, from start: Int
    ) throws(CELError) -> CELExpression {
        try node(.binary(operation, left, right), start..<previousEnd, over: [left, right])
    }
}

/// Tokens and nodes.
extension Parser {
    mutating func advance() throws(CELError) {
        previousEnd = token.range.upperBound
        token = try lexer.next()
    }

    mutating func take(_ symbol: Token.Symbol) throws(CELError) -> Bool {
        guard token.kind == .symbol(symbol) else { return false }
        try advance()
        return true
    }

    mutating func expect(_ symbol: Token.Symbol) throws(CELError) {
        guard try take(symbol) else { throw unexpected("'\(symbol.rawValue)'") }
    }

    func unexpected(_ wanted: String) -> CELError {
        CELError(.syntax, "expected \(wanted), found \(token.text)", at: token.range)
    }

    /// Bounds the parser's own recursion.
    mutating func enter() throws(CELError) {
        recursion += 1
        guard recursion <= 2 * options.limits.depth else { throw tooDeep(token.range) }
    }

    private func tooDeep(_ range: Range<Int>) -> CELError {
        CELError(.limit, "the expression is nested more than \(options.limits.depth) deep", at: range)
    }

    mutating func node(
        _ kind: CELExpression.Kind, _ range: Range<Int>, over children: [CELExpression] = []
    ) throws(CELError) -> CELExpression {
        nodeCount += 1
        guard nodeCount <= options.limits.nodes else {
            throw CELError(.limit, "the expression has more than \(options.limits.nodes) nodes", at: range)
        }
        var depth = 1
        for child in children { depth = max(depth, child.depth + 1) }
        guard depth <= options.limits.depth else { throw tooDeep(range) }
        return CELExpression(
            kind: kind, range: range, id: nodeCount, depth: depth, nesting: nesting(kind, over: children))
    }

    private func nesting(_ kind: CELExpression.Kind, over children: [CELExpression]) -> Int {
        guard case .macro(let macro) = kind else { return children.map(\.nesting).max() ?? 0 }
        let inner = max(macro.condition?.nesting ?? 0, macro.result?.nesting ?? 0)
        return max(macro.range.nesting, inner + (macro.isComprehension ? 1 : 0))
    }
}
