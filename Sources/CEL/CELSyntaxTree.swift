/// What an expression may be at most. Depth also bounds every recursion over the tree, so it cannot be switched off.
package struct CELLimits: Sendable {
    /// UTF-8 bytes of the source.
    package var length = 4_096
    package var nodes = 1_000
    package let depth = 250
    /// Comprehensions within comprehensions.
    package var nesting = 3

    package init() {}

    package static let standard = CELLimits()

    /// Depth only.
    package static var unbounded: CELLimits {
        var limits = CELLimits()
        limits.length = .max
        limits.nodes = .max
        limits.nesting = .max
        return limits
    }
}

/// How source text is read.
package struct CELSyntaxOptions: Sendable {
    package var limits = CELLimits.standard
    package var macros = true
    /// Words that CEL reserves and the embedder uses as variables all the same, such as `let`.
    package var freedWords: Set<String> = []

    package init() {}
}

/// A parsed expression.
package struct CELSyntaxTree: Sendable {
    package let source: String
    package let root: CELExpression
    package let nodeCount: Int

    /// - Throws: `CELError` of kind `.syntax` or `.limit`, always with a range.
    package init(parsing source: String, options: CELSyntaxOptions = CELSyntaxOptions()) throws(CELError) {
        let bytes = source.utf8.count
        guard bytes <= options.limits.length else {
            throw CELError(
                .limit, "the expression has \(bytes) bytes, more than \(options.limits.length)",
                at: 0..<source.unicodeScalars.count)
        }
        var parser = try Parser(Array(source.unicodeScalars), options: options)
        root = try parser.parse()
        self.source = source
        nodeCount = parser.nodeCount
    }

    /// Where the expression embedded in a text ends: `${` *expression* `}`.
    ///
    /// - Parameter start: the first scalar after `${`.
    /// - Returns: the position of the closing brace, found with the lexer, so that braces in strings and maps count.
    /// - Throws: `CELError` of kind `.syntax` where the text ends first or has no tokens.
    package static func endOfEmbedded(in text: [Unicode.Scalar], from start: Int) throws(CELError) -> Int {
        var lexer = Lexer(text, from: start)
        var depth = 0
        while true {
            let token = try lexer.next()
            switch token.kind {
            case .symbol(.leftBrace): depth += 1
            case .symbol(.rightBrace) where depth == 0: return token.range.lowerBound
            case .symbol(.rightBrace): depth -= 1
            case .end: throw CELError(.syntax, "the expression has no closing '}'", at: start..<text.count)
            default: break
            }
        }
    }
}
