extension Parser {
    /// A primary with its selections, indexes and calls.
    mutating func member() throws(CELError) -> CELExpression {
        let start = token.range.lowerBound
        return try members(of: try primary(), from: start)
    }

    /// - Parameter start: of the primary, its parentheses included.
    mutating func members(of first: CELExpression, from start: Int) throws(CELError) -> CELExpression {
        var result = first
        while true {
            if try take(.dot) {
                result = try selection(from: result, at: start)
            } else if try take(.leftBracket) {
                let isOptional = try take(.question)
                let key = try expression()
                try expect(.rightBracket)
                result = try node(
                    .index(result, key: key, isOptional: isOptional), start..<previousEnd,
                    over: [result, key])
            } else if token.kind == .symbol(.leftBrace), let name = result.qualifiedName {
                result = try message(name, from: start)
            } else {
                return result
            }
        }
    }

    private mutating func selection(
        from operand: CELExpression, at start: Int
    ) throws(CELError) -> CELExpression {
        if try take(.question) {
            let name = try memberName()
            return try node(.select(operand, name: name, isOptional: true), start..<previousEnd, over: [operand])
        }
        let isQuoted = if case .quoted = token.kind { true } else { false }
        let name = try memberName()
        guard !isQuoted, try take(.leftParenthesis) else {
            return try node(.select(operand, name: name, isOptional: false), start..<previousEnd, over: [operand])
        }
        let arguments = try self.arguments()
        let range = start..<previousEnd
        if options.macros, let macro = try receiverMacro(name, operand, arguments, range) { return macro }
        return try node(
            .call(name: name, receiver: operand, arguments: arguments), range, over: [operand] + arguments)
    }

    private mutating func memberName() throws(CELError) -> CELExpression.Name {
        let range = token.range
        switch token.kind {
        case .identifier(let text) where !Self.keywords.contains(text), .quoted(let text):
            try advance()
            return CELExpression.Name(text: text, range: range)
        default: throw unexpected("a name")
        }
    }

    /// Up to and with the closing parenthesis.
    mutating func arguments() throws(CELError) -> [CELExpression] {
        var arguments: [CELExpression] = []
        if try take(.rightParenthesis) { return arguments }
        repeat { arguments.append(try expression()) } while try take(.comma)
        try expect(.rightParenthesis)
        return arguments
    }

    mutating func primary() throws(CELError) -> CELExpression {
        let range = token.range
        switch token.kind {
        case .int(let value):
            guard let int = Int64(exactly: value) else { throw integerTooLarge() }
            return try literal(.int(int))
        case .uint(let value): return try literal(.uint(value))
        case .double(let value): return try literal(.double(value))
        case .string(let value): return try literal(.string(value))
        case .bytes(let value): return try literal(.bytes(value))
        case .identifier("true"): return try literal(.bool(true))
        case .identifier("false"): return try literal(.bool(false))
        case .identifier("null"): return try literal(.null)
        case .identifier, .symbol(.dot): return try name(from: range.lowerBound)
        case .symbol(.leftParenthesis): return try group()
        case .symbol(.leftBracket): return try list(from: range.lowerBound)
        case .symbol(.leftBrace): return try map(from: range.lowerBound)
        default: throw unexpected("a value")
        }
    }

    private mutating func literal(_ value: CELValue) throws(CELError) -> CELExpression {
        let range = token.range
        try advance()
        return try node(.literal(value), range)
    }

    private mutating func group() throws(CELError) -> CELExpression {
        try advance()
        let inner = try expression()
        try expect(.rightParenthesis)
        return inner
    }

    private mutating func name(from start: Int) throws(CELError) -> CELExpression {
        let isRooted = try take(.dot)
        guard case .identifier(let text) = token.kind, !Self.keywords.contains(text) else { throw unexpected("a name") }
        guard !Self.reserved.contains(text) || options.freedWords.contains(text) else {
            throw CELError(.syntax, "'\(text)' is a reserved word", at: token.range)
        }
        let name = CELExpression.Name(text: text, range: token.range)
        try advance()
        guard try take(.leftParenthesis) else {
            return try node(.identifier(text, isRooted: isRooted), start..<previousEnd)
        }
        let arguments = try self.arguments()
        if options.macros, text == "has", !isRooted { return try hasMacro(arguments, start..<previousEnd) }
        return try node(.call(name: name, receiver: nil, arguments: arguments), start..<previousEnd, over: arguments)
    }

    /// Words that are never names.
    static let keywords: Set<String> = ["true", "false", "null", "in"]
    /// Words kept for later versions of the language; members may have these names.
    static let reserved: Set<String> = [
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
        "namespace", "return", "var", "void", "while",
    ]
}

/// Lists, maps and message literals.
extension Parser {
    private mutating func list(from start: Int) throws(CELError) -> CELExpression {
        try advance()
        var elements: [CELExpression.Element] = []
        while token.kind != .symbol(.rightBracket) {
            let isOptional = try take(.question)
            elements.append(CELExpression.Element(value: try expression(), isOptional: isOptional))
            guard try take(.comma) else { break }
        }
        try expect(.rightBracket)
        return try node(.list(elements), start..<previousEnd, over: elements.map(\.value))
    }

    private mutating func map(from start: Int) throws(CELError) -> CELExpression {
        try advance()
        var entries: [CELExpression.Entry] = []
        while token.kind != .symbol(.rightBrace) {
            let isOptional = try take(.question)
            let key = try expression()
            try expect(.colon)
            entries.append(CELExpression.Entry(key: key, value: try expression(), isOptional: isOptional))
            guard try take(.comma) else { break }
        }
        try expect(.rightBrace)
        return try node(.map(entries), start..<previousEnd, over: entries.flatMap { [$0.key, $0.value] })
    }

    private mutating func message(_ name: String, from start: Int) throws(CELError) -> CELExpression {
        try advance()
        while token.kind != .symbol(.rightBrace) {
            _ = try take(.question)
            _ = try memberName()
            try expect(.colon)
            _ = try expression()
            guard try take(.comma) else { break }
        }
        try expect(.rightBrace)
        return try node(.message(name), start..<previousEnd)
    }
}
