import CEL
import Documents

/// What the parser could not read, in words that say what to write instead.
struct SyntaxDiagnosis {
    let scalars: [Unicode.Scalar]
    let error: CELError

    /// - Parameter text: what was parsed.
    init(_ error: CELError, in text: String) {
        self.error = error
        scalars = Array(text.unicodeScalars)
    }

    private var range: Range<Int> { error.range ?? 0..<scalars.count }

    /// The first of the usual mistakes that explains it.
    var diagnosis: Diagnosis {
        if error.kind == .limit { return limit }
        return foreignSymbol ?? wordOperator ?? keyword ?? unclosed ?? missingOperand
            ?? Diagnosis(.syntax, at: range, error.message)
    }

    private var limit: Diagnosis {
        let isDepth = error.message.contains("nested")
        return Diagnosis(
            isDepth ? .tooDeep : .tooLong, at: range.lowerBound..<range.lowerBound + 1, error.message,
            hint: "split it with 'let'")
    }

    // MARK: Symbols of other languages

    private var foreignSymbol: Diagnosis? {
        guard range.lowerBound < scalars.count else { return nil }
        let start = range.lowerBound
        let previous = start > 0 ? scalars[start - 1] : " "
        let next = start + 1 < scalars.count ? scalars[start + 1] : " "
        switch scalars[start] {
        case "=" where !isMeaningless: return nil
        case "=" where previous == "=" || (previous == "!" && start > 0):
            return operator_("===", "==", at: start - 2..<start + 1) ?? operator_(
                "!==", "!=", at: start - 2..<start + 1)
                ?? singleEquals(start)
        case "=" where next == ">": return Diagnosis(.syntax, at: start..<start + 2, "'=>' is not an operator")
        case "=" where !followsOperand(start): return nil
        case "=": return singleEquals(start)
        case ">" where previous == "<": return operator_("<>", "!=", at: start - 1..<start + 1)
        case "$" where next == "{":
            return Diagnosis(
                .nestedTemplate, at: start..<start + 2, "'${' inside an expression",
                hint: "write the inner expression without '${' and '}'")
        case "&" where isMeaningless && followsOperand(start):
            return Diagnosis(
                .syntax, at: start..<start + 1, "'&' is not an operator", hint: "write &&", replacement: "&&")
        case "|" where isMeaningless && followsOperand(start):
            return Diagnosis(
                .syntax, at: start..<start + 1, "'|' is not an operator", hint: "write ||", replacement: "||")
        case "‘", "’", "“", "”": return typographicQuotes(start)
        default: return nil
        }
    }

    /// The lexer knows no such symbol: `=` alone, and not as part of `==`.
    private var isMeaningless: Bool { error.message.hasSuffix("has no meaning here") }

    /// Whether an operator may stand here: where something is missing, another operator mends nothing.
    private func followsOperand(_ start: Int) -> Bool {
        guard let last = scalars[..<start].last(where: { !$0.isWhite }) else { return false }
        return last.isWord || "'\"`)]}".unicodeScalars.contains(last)
    }

    /// Both quotes of a string, where the second is there.
    private func typographicQuotes(_ start: Int) -> Diagnosis {
        let isSingle = "‘’".unicodeScalars.contains(scalars[start])
        let quote = isSingle ? "'" : "\""
        let closing = (isSingle ? "‘’'" : "“”\"").unicodeScalars
        let end = scalars[(start + 1)...].firstIndex { closing.contains($0) }
        let content = end.map { String(scalars: scalars[(start + 1)..<$0]) }
        return Diagnosis(
            .syntax, at: start..<(end.map { $0 + 1 } ?? start + 1), "strings stand in straight quotes",
            hint: "write \(quote)\((content ?? "...").shortened)\(quote)",
            replacement: content.map { quote + $0 + quote })
    }

    private func singleEquals(_ start: Int) -> Diagnosis {
        var mended = scalars
        mended.insert("=", at: start)
        let whole = String(scalars: mended).trimmedOfSpace
        let isShort = mended.count <= 80 && !whole.unicodeScalars.contains(where: SourceText.isBreak)
        return Diagnosis(
            .singleEquals, at: start..<start + 1, "'=' does not compare", hint: isShort ? "write \(whole)" : "write ==",
            replacement: "==")
    }

    private func operator_(_ written: String, _ meant: String, at range: Range<Int>) -> Diagnosis? {
        guard range.lowerBound >= 0, scalars[range].elementsEqual(written.unicodeScalars) else { return nil }
        return Diagnosis(
            .syntax, at: range, "'\(written)' is not an operator", hint: "write \(meant)", replacement: meant)
    }

    // MARK: Words

    private static let words = ["and": "&&", "or": "||", "not": "!"]

    private var wordOperator: Diagnosis? {
        let found = String(scalars: scalars[clamped: range])
        if let symbol = Self.words[found.lowercased()], symbol != "!" {
            return Diagnosis(
                .wordOperator, at: range, "'\(found)' is not an operator", hint: "write \(symbol)", replacement: symbol)
        }
        guard let word = wordBefore(range.lowerBound),
            String(scalars: scalars[word]).lowercased() == "not"
        else { return nil }
        let isExact = isSimpleOperand(from: range.lowerBound)
        return Diagnosis(
            .wordOperator, at: word, "'\(String(scalars: scalars[word]))' is not an operator",
            hint: isExact ? "write !" : "write !( ) around what is negated", replacement: isExact ? "!" : nil,
            mending: word.lowerBound..<range.lowerBound, goingOnWith: "!")
    }

    private var keyword: Diagnosis? {
        guard error.message.hasSuffix("is a reserved word") else { return nil }
        let isIf = scalars[clamped: range].elementsEqual("if".unicodeScalars)
        return Diagnosis(.syntax, at: range, error.message, hint: isIf ? "write condition ? value : other value" : nil)
    }

    private func wordBefore(_ offset: Int) -> Range<Int>? {
        let end = (0..<offset).last { !scalars[$0].isWhite }.map { $0 + 1 } ?? 0
        var start = end
        while start > 0, scalars[start - 1].isWord { start -= 1 }
        return start < end && (start == 0 || scalars[start - 1] != ".") ? start..<end : nil
    }

    /// Whether what follows is one selection or call, so that `!` in front of it negates all of it.
    private func isSimpleOperand(from start: Int) -> Bool {
        var offset = start
        while offset < scalars.count, scalars[offset].isWord || scalars[offset] == "." || scalars[offset] == "?" {
            offset += 1
        }
        guard offset > start else { return false }
        if offset < scalars.count, scalars[offset] == "(" {
            guard let close = Brackets(scalars).partner(of: offset) else { return false }
            offset = close + 1
        }
        let rest = scalars[offset...].drop { $0.isWhite }
        return rest.isEmpty || ["&&", "||", ")", "and ", "or "].contains { rest.starts(with: $0.unicodeScalars) }
    }

    // MARK: Something is missing

    private var unclosed: Diagnosis? {
        guard error.message.hasSuffix("found the end"), let open = Brackets(scalars).firstUnclosed else { return nil }
        return Diagnosis(.syntax, at: open..<open + 1, "'\(Character(scalars[open]))' is never closed")
    }

    /// `expected an expression after '&&'`
    private var missingOperand: Diagnosis? {
        guard error.message.hasPrefix("expected a value") || error.message.hasPrefix("expected a name") else {
            return nil
        }
        let wanted = error.message.hasPrefix("expected a name") ? "a name" : "an expression"
        let isEnd = error.message.hasSuffix("found the end")
        guard let before = symbolBefore(range.lowerBound) else {
            return Diagnosis(.syntax, at: range, isEnd ? "expected \(wanted)" : "expected \(wanted)\(found)")
        }
        let symbol = String(scalars: scalars[before])
        return Diagnosis(
            .syntax, at: isEnd ? before : range, "expected \(wanted) after '\(symbol)'" + (isEnd ? "" : found))
    }

    private var found: String {
        error.message.firstRange(of: ", found ").map { String(error.message[$0.lowerBound...]) } ?? ""
    }

    private func symbolBefore(_ offset: Int) -> Range<Int>? {
        guard let last = (0..<min(offset, scalars.count)).last(where: { !scalars[$0].isWhite }) else { return nil }
        if scalars[last].isWord {
            let word = wordBefore(last + 1)
            return word.map { scalars[$0].elementsEqual("in".unicodeScalars) } == true ? word : nil
        }
        let isPair =
            last > 0
            && ["&&", "||", "==", "!=", "<=", ">=", ".?", "[?"].contains(
                String(scalars: scalars[last - 1...last]))
        return (isPair ? last - 1 : last)..<last + 1
    }
}

/// Which bracket belongs to which, strings left out.
struct Brackets {
    private(set) var firstUnclosed: Int?
    private var partners: [Int: Int] = [:]

    init(_ scalars: [Unicode.Scalar]) {
        var open: [Int] = []
        var quote: Unicode.Scalar?
        var isEscaped = false
        for (index, scalar) in scalars.enumerated() {
            if isEscaped {
                isEscaped = false
            } else if let current = quote {
                isEscaped = scalar == "\\"
                if scalar == current { quote = nil }
            } else if scalar == "'" || scalar == "\"" {
                quote = scalar
            } else if "([{".unicodeScalars.contains(scalar) {
                open.append(index)
            } else if ")]}".unicodeScalars.contains(scalar), let start = open.popLast() {
                partners[start] = index
            }
        }
        firstUnclosed = open.last
    }

    func partner(of open: Int) -> Int? { partners[open] }
}

extension Unicode.Scalar {
    /// White space between the tokens of an expression.
    var isWhite: Bool { isBlank || SourceText.isBreak(self) || self == "\u{0C}" }
}

extension Array {
    /// The part of the range that exists.
    subscript(clamped range: Range<Int>) -> ArraySlice<Element> { self[range.clamped(to: 0..<count)] }
}

extension String {
    var trimmedOfSpace: String {
        let scalars = Array(unicodeScalars)
        let start = scalars.firstIndex { !$0.isWhite } ?? scalars.endIndex
        let end = scalars.lastIndex { !$0.isWhite }.map { $0 + 1 } ?? start
        return String(scalars: scalars[start..<end])
    }
}
