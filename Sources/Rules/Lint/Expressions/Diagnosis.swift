import Documents

/// One thing wrong with an expression, placed in its own text.
struct Diagnosis: Equatable {
    var code: FindingCode
    var severity = Finding.Severity.error
    /// Unicode scalars of the expression.
    var range: Range<Int>
    var message: String
    var hint: String?
    /// The exact text to write in place of `mended` (of `range`, where that is nil).
    var replacement: String?
    var mended: Range<Int>?
    /// What to read in its place to find what else is wrong, although it may not be what was meant.
    var continuation: String?

    init(
        _ code: FindingCode, _ severity: Finding.Severity = .error, at range: Range<Int>, _ message: String,
        hint: String? = nil, replacement: String? = nil, mending mended: Range<Int>? = nil,
        goingOnWith continuation: String? = nil
    ) {
        self.code = code
        self.severity = severity
        self.range = range
        self.message = message
        self.hint = hint
        self.replacement = replacement
        self.mended = mended
        self.continuation = continuation
    }
}

/// Reports diagnoses at their places in the file.
struct DiagnosisReporter {
    let text: ExpressionText
    let source: SourceText
    let findings: FindingList

    func report(_ diagnosis: Diagnosis) {
        let range = trimmed(diagnosis.range)
        findings.report(
            diagnosis.code, diagnosis.severity, in: source, at: text.position(at: range.lowerBound),
            length: text.length(of: range), diagnosis.message, hint: diagnosis.hint, fix: fix(diagnosis))
    }

    /// What ends in white space or line breaks is marked without them; what only follows them (the end of the text, say)
    /// is marked where the text before them ends.
    private func trimmed(_ range: Range<Int>) -> Range<Int> {
        let scalars = Array(text.text.unicodeScalars)
        var end = min(range.upperBound, scalars.count)
        while end > range.lowerBound, scalars[end - 1].isBlankOrBreak { end -= 1 }
        var start = min(range.lowerBound, end)
        guard start == end, start == scalars.count || scalars[start].isBlankOrBreak else { return start..<end }
        while start > 0, scalars[start - 1].isBlankOrBreak { start -= 1 }
        return start..<start
    }

    /// Only where the file has the very text that is replaced, on one line, without escapes.
    private func fix(_ diagnosis: Diagnosis) -> Fix? {
        guard let replacement = diagnosis.replacement else { return nil }
        let range = diagnosis.mended ?? diagnosis.range
        let scalars = Array(text.text.unicodeScalars)
        guard range.upperBound <= scalars.count else { return nil }
        let start = text.position(at: range.lowerBound)
        let line = source.line(start.line).dropFirst(start.column - 1)
        guard line.starts(with: scalars[range]), isWritable(replacement, at: start, range.lowerBound) else {
            return nil
        }
        let end = SourcePosition(line: start.line, column: start.column + range.count)
        return Fix(start: start, end: end, replacement: replacement)
    }

    private func isWritable(_ replacement: String, at start: SourcePosition, _ offset: Int) -> Bool {
        switch text.style {
        case .singleQuoted: !replacement.contains("'")
        case .doubleQuoted: !replacement.contains("\"") && !replacement.contains("\\")
        // YAML would read an unquoted `!` in front as a tag; after `${` it is not in front.
        case .plain:
            offset > 0 || !replacement.hasPrefix("!")
                || source.line(start.line).dropFirst(start.column - 2).first == "{"
        case .literal, .folded: true
        }
    }
}
