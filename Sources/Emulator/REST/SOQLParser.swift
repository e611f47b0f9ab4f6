import Events

/// Reads a query from its text.
struct SOQLParser {
    typealias Problem = SOQLQuery.Problem
    typealias Condition = SOQLQuery.Condition

    /// Conditions inside each other.
    private static let maximumDepth = 50

    private enum Token: Equatable {
        /// A name, a number, a time, a keyword.
        case word(String)
        case text(String)
        case sign(String)
    }

    private var rest: [Token]
    private var depth = 0

    init(_ text: String) { rest = Self.tokens(text).reversed() }

    mutating func whole() throws(Problem) -> SOQLQuery {
        let query = try query()
        if let next = rest.last { throw Problem(message: "unexpected token: '\(Self.shown(next))'") }
        return query
    }

    private mutating func query() throws(Problem) -> SOQLQuery {
        var query = SOQLQuery()
        try expect("SELECT")
        repeat { query.fields.append(try selected()) } while take(.sign(","))
        try expect("FROM")
        query.entity = try word()
        if takeWord("WHERE") { query.condition = try condition() }
        if takeWord("ORDER") {
            try expect("BY")
            query.order = (try word(), false)
            if takeWord("DESC") { query.order?.isDescending = true } else { _ = takeWord("ASC") }
            if takeWord("NULLS") { _ = try word() }
        }
        if takeWord("LIMIT") {
            guard let limit = Int(try word()), limit >= 0 else { throw Problem(message: "LIMIT takes a number") }
            query.limit = limit
        }
        return query
    }

    private mutating func selected() throws(Problem) -> String {
        let name = try word()
        guard take(.sign("(")) else { return name }
        let argument = take(.sign(")")) ? "" : try word()
        if !argument.isEmpty, !take(.sign(")")) { throw Problem(message: "expecting a right parentheses") }
        return "\(name)(\(argument))"
    }

    // MARK: Conditions

    private mutating func condition() throws(Problem) -> Condition {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else { throw Problem(message: "too many conditions inside each other") }
        var terms = [try conjunction()]
        while takeWord("OR") { terms.append(try conjunction()) }
        return terms.count == 1 ? terms[0] : .any(terms)
    }

    private mutating func conjunction() throws(Problem) -> Condition {
        var terms = [try term()]
        while takeWord("AND") { terms.append(try term()) }
        return terms.count == 1 ? terms[0] : .all(terms)
    }

    private mutating func term() throws(Problem) -> Condition {
        if takeWord("NOT") { return .not(try term()) }
        if take(.sign("(")) {
            let inner = try condition()
            guard take(.sign(")")) else { throw Problem(message: "expecting a right parentheses") }
            return inner
        }
        let field = try word()
        if takeWord("LIKE") { return .compare(field: field, operation: "LIKE", values: [try literal()]) }
        if takeWord("IN") { return try among(field) }
        if takeWord("NOT") {
            try expect("IN")
            return .not(try among(field))
        }
        guard case .sign(let sign)? = rest.popLast(), ["=", "!=", "<>", "<", "<=", ">", ">="].contains(sign) else {
            throw Problem(message: "unexpected token after '\(field)'")
        }
        return .compare(field: field, operation: sign == "<>" ? "!=" : sign, values: [try literal()])
    }

    /// A list of values, or a query inside.
    private mutating func among(_ field: String) throws(Problem) -> Condition {
        guard take(.sign("(")) else { throw Problem(message: "expecting a list in parentheses") }
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else { throw Problem(message: "too many queries inside each other") }
        let condition: Condition
        if case .word(let word)? = rest.last, word.uppercased() == "SELECT" {
            condition = .isAmong(field: field, try query())
        } else {
            var values: [Value] = []
            repeat { values.append(try literal()) } while take(.sign(","))
            condition = .compare(field: field, operation: "IN", values: values)
        }
        guard take(.sign(")")) else { throw Problem(message: "expecting a right parentheses") }
        return condition
    }

    private mutating func literal() throws(Problem) -> Value {
        switch rest.popLast() {
        case .text(let text): return .string(text)
        case .word(let word):
            switch word.lowercased() {
            case "null": return .null
            case "true": return .bool(true)
            case "false": return .bool(false)
            default: break
            }
            if let number = Int64(word) { return .int(number) }
            if let number = Double(word) { return .double(number) }
            // Of a time, which stands without quotes.
            guard word.first?.isNumber == true else { throw Problem(message: "unexpected token: '\(word)'") }
            return .string(word)
        default: throw Problem(message: "unexpected end of the query")
        }
    }

    // MARK: Tokens

    private mutating func take(_ token: Token) -> Bool {
        guard rest.last == token else { return false }
        rest.removeLast()
        return true
    }

    private mutating func takeWord(_ keyword: String) -> Bool {
        guard case .word(let word)? = rest.last, word.uppercased() == keyword else { return false }
        rest.removeLast()
        return true
    }

    private mutating func expect(_ keyword: String) throws(Problem) {
        guard !takeWord(keyword) else { return }
        throw Problem(message: "unexpected token: '\(rest.last.map(Self.shown) ?? "<EOF>")', expecting \(keyword)")
    }

    private mutating func word() throws(Problem) -> String {
        guard case .word(let word)? = rest.popLast() else { throw Problem(message: "a name is missing") }
        return word
    }

    private static func shown(_ token: Token) -> String {
        switch token {
        case .word(let text), .text(let text), .sign(let text): text
        }
    }

    private static func tokens(_ text: String) -> [Token] {
        var tokens: [Token] = []
        var rest = Substring(text)
        while let next = rest.first {
            if next.isWhitespace {
                rest.removeFirst()
            } else if next == "'" {
                rest.removeFirst()
                tokens.append(.text(quoted(&rest)))
            } else if "<>!=".contains(next) {
                let sign = rest.prefix { "<>!=".contains($0) }
                tokens.append(.sign(String(sign)))
                rest = rest.dropFirst(sign.count)
            } else if "(),".contains(next) {
                tokens.append(.sign(String(next)))
                rest.removeFirst()
            } else {
                let word = rest.prefix { !$0.isWhitespace && !"<>!=(),'".contains($0) }
                tokens.append(.word(String(word)))
                rest = rest.dropFirst(word.count)
            }
        }
        return tokens
    }

    /// Up to the closing quote; a backslash stands before a quote and before itself.
    private static func quoted(_ rest: inout Substring) -> String {
        var text = ""
        while let next = rest.popFirst(), next != "'" {
            text.append(next == "\\" ? rest.popFirst() ?? next : next)
        }
        return text
    }
}
