extension Lexer {
    mutating func number(from start: Int) throws(CELError) -> Token {
        if peek() == "0", peek(1) == "x" || peek(1) == "X" { return try hexNumber(from: start) }
        var isDouble = false
        skipDigits()
        if peek() == ".", peek(1)?.isDigit == true {
            isDouble = true
            advance()
            skipDigits()
        }
        if peek() == "e" || peek() == "E", peek(exponentDigitOffset)?.isDigit == true {
            isDouble = true
            advance(exponentDigitOffset)
            skipDigits()
        }
        let text = slice(start..<position)
        if isDouble {
            guard let value = Double(text) else { throw CELError(.syntax, "not a number", at: start..<position) }
            return try finish(.double(value), from: start)
        }
        guard let value = UInt64(text) else { throw tooLarge(start) }
        return try finishInteger(value, from: start)
    }

    private var exponentDigitOffset: Int { peek(1) == "+" || peek(1) == "-" ? 2 : 1 }

    private mutating func skipDigits() {
        while peek()?.isDigit == true { advance() }
    }

    private mutating func hexNumber(from start: Int) throws(CELError) -> Token {
        advance(2)
        let digits = position
        while peek()?.hexValue != nil { advance() }
        guard position > digits else { throw CELError(.syntax, "'0x' needs hex digits", at: start..<position) }
        guard let value = UInt64(slice(digits..<position), radix: 16) else { throw tooLarge(start) }
        return try finishInteger(value, from: start)
    }

    private mutating func finishInteger(_ value: UInt64, from start: Int) throws(CELError) -> Token {
        if peek() == "u" || peek() == "U" {
            advance()
            return try finish(.uint(value), from: start)
        }
        return try finish(.int(value), from: start)
    }

    private mutating func finish(_ kind: Token.Kind, from start: Int) throws(CELError) -> Token {
        if let scalar = peek(), scalar.isIdentifierStart || scalar.isDigit {
            throw CELError(.syntax, "a number runs into a name", at: start..<position + 1)
        }
        return Token(kind: kind, range: start..<position)
    }

    private func tooLarge(_ start: Int) -> CELError {
        CELError(.syntax, "the integer does not fit in 64 bits", at: start..<position)
    }
}

extension Lexer {
    /// Reads from the opening quote.
    mutating func stringLiteral(isRaw: Bool, isBytes: Bool, from start: Int) throws(CELError) -> Token.Kind {
        guard let quote = peek() else { preconditionFailure("called at a quote") }
        let isTriple = peek(1) == quote && peek(2) == quote
        advance(isTriple ? 3 : 1)
        var content = LiteralContent(isBytes: isBytes)
        while let scalar = peek() {
            if scalar == quote, !isTriple || (peek(1) == quote && peek(2) == quote) {
                advance(isTriple ? 3 : 1)
                return content.token
            }
            if !isTriple, scalar == "\n" || scalar == "\r" { break }
            if scalar == "\\", !isRaw {
                try escape(into: &content)
            } else {
                content.append(scalar)
                advance()
            }
        }
        throw CELError(.syntax, "the string has no closing quote", at: start..<position)
    }

    private mutating func escape(into content: inout LiteralContent) throws(CELError) {
        let start = position
        advance()
        guard let letter = peek() else {
            throw CELError(.syntax, "the string has no closing quote", at: start..<position)
        }
        advance()
        switch letter {
        case "a": content.append("\u{07}")
        case "b": content.append("\u{08}")
        case "f": content.append("\u{0C}")
        case "n": content.append("\n")
        case "r": content.append("\r")
        case "t": content.append("\t")
        case "v": content.append("\u{0B}")
        case "\\", "?", "\"", "'", "`": content.append(letter)
        case "x", "X": content.append(code: try digits(2, radix: 16, from: start))
        case "u" where !content.isBytes: try appendScalar(digits: 4, from: start, to: &content)
        case "U" where !content.isBytes: try appendScalar(digits: 8, from: start, to: &content)
        case "0"..."3":
            advance(-1)
            content.append(code: try digits(3, radix: 8, from: start))
        default:
            throw CELError(
                .syntax, "no such escape in a \(content.isBytes ? "bytes literal" : "string")", at: start..<position)
        }
    }

    private mutating func appendScalar(
        digits count: Int, from start: Int, to content: inout LiteralContent
    ) throws(CELError) {
        let code = try digits(count, radix: 16, from: start)
        guard let scalar = Unicode.Scalar(code) else {
            throw CELError(.syntax, "the escape names no Unicode scalar", at: start..<position)
        }
        content.append(scalar)
    }

    private mutating func digits(_ count: Int, radix: UInt32, from start: Int) throws(CELError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<count {
            guard let digit = peek()?.hexValue, digit < radix else {
                throw CELError(.syntax, "the escape needs \(count) digits", at: start..<position)
            }
            code = code &* radix &+ digit
            advance()
        }
        return code
    }
}

/// What a literal says: scalars for a string, octets for bytes.
private struct LiteralContent {
    let isBytes: Bool
    private var text = String.UnicodeScalarView()
    private var octets: [UInt8] = []

    init(isBytes: Bool) { self.isBytes = isBytes }

    mutating func append(_ scalar: Unicode.Scalar) {
        if isBytes {
            octets.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        } else {
            text.append(scalar)
        }
    }

    /// `\x` and octal escapes: an octet in bytes, a scalar in a string. Below 256, so always a scalar.
    mutating func append(code: UInt32) {
        if isBytes {
            octets.append(UInt8(truncatingIfNeeded: code))
        } else if let scalar = Unicode.Scalar(code) {
            text.append(scalar)
        }
    }

    var token: Token.Kind { isBytes ? .bytes(octets) : .string(String(text)) }
}
