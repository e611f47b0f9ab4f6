/// Splits an expression into tokens. Positions count Unicode scalars.
struct Lexer {
    let source: [Unicode.Scalar]
    private(set) var position: Int

    init(_ source: [Unicode.Scalar], from position: Int = 0) {
        self.source = source
        self.position = position
    }

    mutating func next() throws(CELError) -> Token {
        skipSpace()
        let start = position
        guard let first = peek() else { return Token(kind: .end, range: start..<start) }
        if first.isIdentifierStart { return try word(from: start) }
        if first.isDigit || (first == "." && peek(1)?.isDigit == true) { return try number(from: start) }
        if first == "\"" || first == "'" {
            let text = try stringLiteral(isRaw: false, isBytes: false, from: start)
            return Token(kind: text, range: start..<position)
        }
        if first == "`" { return try quotedIdentifier(from: start) }
        return try symbol(from: start)
    }

    private mutating func skipSpace() {
        while let scalar = peek() {
            if scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r" || scalar == "\u{0C}" {
                position += 1
            } else if scalar == "/", peek(1) == "/" {
                while let scalar = peek(), scalar != "\n" { position += 1 }
            } else {
                return
            }
        }
    }

    /// An identifier, or a string literal with a prefix.
    private mutating func word(from start: Int) throws(CELError) -> Token {
        if let prefix = stringPrefix() {
            position += prefix.length
            let text = try stringLiteral(isRaw: prefix.isRaw, isBytes: prefix.isBytes, from: start)
            return Token(kind: text, range: start..<position)
        }
        while let scalar = peek(), scalar.isIdentifierStart || scalar.isDigit { position += 1 }
        return Token(kind: .identifier(slice(start..<position)), range: start..<position)
    }

    private func stringPrefix() -> (length: Int, isRaw: Bool, isBytes: Bool)? {
        var isRaw = false
        var isBytes = false
        for length in 0..<3 {
            switch peek(length) {
            case "'", "\"": return length > 0 ? (length, isRaw, isBytes) : nil
            case "r" where !isRaw, "R" where !isRaw: isRaw = true
            case "b" where !isBytes, "B" where !isBytes: isBytes = true
            default: return nil
            }
        }
        return nil
    }

    private mutating func quotedIdentifier(from start: Int) throws(CELError) -> Token {
        position += 1
        while let scalar = peek(), scalar.isIdentifierStart || scalar.isDigit || ".-/ ".unicodeScalars.contains(scalar)
        {
            position += 1
        }
        guard peek() == "`", position > start + 1 else {
            throw CELError(.syntax, "a back-quoted name holds letters, digits and ' _.-/' only", at: start..<position)
        }
        position += 1
        return Token(kind: .quoted(slice(start + 1..<position - 1)), range: start..<position)
    }

    private mutating func symbol(from start: Int) throws(CELError) -> Token {
        let single = String(Character(source[start]))
        if let second = peek(1) {
            var pair = single
            pair.unicodeScalars.append(second)
            if let symbol = Token.Symbol(rawValue: pair) {
                position += 2
                return Token(kind: .symbol(symbol), range: start..<position)
            }
        }
        guard let symbol = Token.Symbol(rawValue: single) else {
            let isPrintable = source[start].properties.generalCategory != .control
            let name = isPrintable ? "'\(single)'" : "the control character \(source[start].value)"
            throw CELError(.syntax, "\(name) has no meaning here", at: start..<start + 1)
        }
        position += 1
        return Token(kind: .symbol(symbol), range: start..<position)
    }

    func peek(_ offset: Int = 0) -> Unicode.Scalar? {
        position + offset < source.count ? source[position + offset] : nil
    }

    mutating func advance(_ count: Int = 1) { position += count }

    func slice(_ range: Range<Int>) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: source[range])
        return String(text)
    }
}

extension Unicode.Scalar {
    var isDigit: Bool { ("0"..."9").contains(self) }
    var isIdentifierStart: Bool { ("a"..."z").contains(self) || ("A"..."Z").contains(self) || self == "_" }

    var hexValue: UInt32? {
        switch self {
        case "0"..."9": value - 0x30
        case "a"..."f": value - 0x61 + 10
        case "A"..."F": value - 0x41 + 10
        default: nil
        }
    }
}
