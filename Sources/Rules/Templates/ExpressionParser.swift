import Documents
import Events

/// Text of one expression → `Expression`, or one finding at the exact column.
///
/// Grammar of this version: `name { ("." | ".?") name }`, where a name may stand in back quotes, and for times
/// additionally `("+" | "-") duration('literal')`.
struct ExpressionParser {
    static let maximumBytes = 4096

    let scope: TemplateScope
    let source: SourceText
    let findings: FindingList
    let scalars: [Unicode.Scalar]
    let positions: ScalarPositions
    private var offset: Int
    private let end: Int

    init(_ template: TemplateParser, _ scalars: [Unicode.Scalar], _ range: Range<Int>, _ positions: ScalarPositions) {
        scope = template.scope
        source = template.source
        findings = template.findings
        self.scalars = scalars
        self.positions = positions
        var end = range.upperBound
        while end > range.lowerBound, scalars[end - 1].isBlankOrBreak { end -= 1 }
        self.end = end
        offset = range.lowerBound
        skipBlanks()
    }

    /// The whole text must be one path.
    mutating func parse() -> Expression? {
        guard let expression = path() else { return nil }
        guard offset == end else { return unsupported(at: offset) }
        note(expression)
        return expression
    }

    /// A path, perhaps moved by a constant duration.
    mutating func parseTime() -> TimeExpression? {
        guard let expression = path() else { return nil }
        note(expression)
        guard offset < end else { return TimeExpression(expression: expression, offsetMilliseconds: 0) }
        let operatorOffset = offset
        guard let sign = takeSign(), takeWord("duration"), take("("), let text = takeString(), take(")"), offset == end
        else { return unsupported(at: operatorOffset) }
        guard let milliseconds = DurationLiteral.milliseconds(text) else {
            report(
                .wrongArgument, at: operatorOffset, to: end,
                "'\(text.shortened)' is not a duration of whole milliseconds",
                hint: "durations are written 5s, 10m or 1h30m")
            return nil
        }
        return TimeExpression(expression: expression, offsetMilliseconds: sign * milliseconds)
    }

    private mutating func path() -> Expression? {
        let start = offset
        guard offset < end else {
            report(.syntax, at: offset, "an expression is expected between the braces")
            return nil
        }
        guard let root = takeName(), !["true", "false", "null"].contains(root) else { return unsupported(at: start) }
        var members: [Member] = []
        while let isOptional = takeDot() {
            let place = offset
            guard let name = takeQuotedName() ?? takeName() else {
                report(.syntax, at: min(place, max(start, end - 1)), "a name is expected after '.'")
                return nil
            }
            if offset < end, scalars[offset] == "(" { return unsupported(at: place) }
            members.append(Member(name: name, isOptional: isOptional, offset: place))
        }
        if members.isEmpty, offset < end, scalars[offset] == "(" { return unsupported(at: start) }
        return resolve(root, members, from: start)
    }

    struct Member {
        var name: String
        var isOptional: Bool
        var offset: Int
    }

    private func resolve(_ root: String, _ members: [Member], from start: Int) -> Expression? {
        let stop = members.last.map { $0.offset + $0.name.unicodeScalars.count } ?? start + root.unicodeScalars.count
        switch scope.resolve(root, members) {
        case .operand(let operand):
            let position = positions[start]
            if root == "vars", let name = members.first?.name { scope.uses.note(variable: name) }
            return Expression(
                operand: operand, text: String(scalars: scalars[start..<min(stop, end)]).shortened,
                location: source.location(position))
        case .problem(let problem):
            let place = problem.member.map { members[$0].offset } ?? start
            let length = problem.member.map { members[$0].name.unicodeScalars.count } ?? root.unicodeScalars.count
            report(problem.code, at: place, to: place + length, problem.message, hint: problem.hint)
            return nil
        }
    }

    private func note(_ expression: Expression) {
        scope.uses.note(
            expression.operand, at: expression.location.position, length: expression.text.unicodeScalars.count)
    }

    private func unsupported<T>(at place: Int) -> T? {
        report(
            .notSupported, at: place, to: end,
            scope.place == .time
                ? "only a field path, perhaps + or - duration('5s'), can be computed here in this version"
                : "only a field path can be computed here in this version",
            hint: "write a path such as record.?Phone; constants go to 'vars'")
        return nil
    }

    private func report(_ code: FindingCode, at start: Int, to end: Int? = nil, _ message: String, hint: String? = nil)
    {
        let first = positions[start]
        let last = positions[max(start, (end ?? start + 1) - 1)]
        let length = first.line == last.line ? last.column - first.column + 1 : Int.max / 2
        findings.report(code, in: source, at: first, length: length, message, hint: hint)
    }

    // MARK: Tokens

    private mutating func skipBlanks() {
        while offset < end, scalars[offset].isBlankOrBreak { offset += 1 }
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard offset < end, scalars[offset] == scalar else { return false }
        offset += 1
        skipBlanks()
        return true
    }

    private mutating func takeWord(_ word: String) -> Bool {
        let before = offset
        if takeName() == word { return true }
        offset = before
        return false
    }

    private mutating func takeSign() -> Int64? {
        if take("+") { return 1 }
        return take("-") ? -1 : nil
    }

    /// - Returns: whether it was `.?`; nil without a dot.
    private mutating func takeDot() -> Bool? {
        guard take(".") else { return nil }
        return take("?")
    }

    private mutating func takeName() -> String? {
        guard offset < end, scalars[offset].isWord, !scalars[offset].isDigit else { return nil }
        let name = scalars[offset..<end].prefix(while: \.isWord)
        offset = name.endIndex
        defer { skipBlanks() }
        return String(scalars: name)
    }

    private mutating func takeQuotedName() -> String? {
        guard offset < end, scalars[offset] == "`" else { return nil }
        let name = scalars[(offset + 1)..<end].prefix { $0 != "`" }
        guard !name.isEmpty, name.endIndex < end else { return nil }
        offset = name.endIndex + 1
        defer { skipBlanks() }
        return String(scalars: name)
    }

    private mutating func takeString() -> String? {
        guard offset < end, scalars[offset] == "'" || scalars[offset] == "\"" else { return nil }
        let quote = scalars[offset]
        let text = scalars[(offset + 1)..<end].prefix { $0 != quote && $0 != "\\" }
        guard text.endIndex < end, scalars[text.endIndex] == quote else { return nil }
        offset = text.endIndex + 1
        defer { skipBlanks() }
        return String(scalars: text)
    }
}

/// A time of a window: an expression and a constant distance from it.
struct TimeExpression: Sendable {
    let expression: Expression
    let offsetMilliseconds: Int64

    /// - Returns: epoch milliseconds.
    func time(in context: EvaluationContext) throws(RenderFailure) -> Int64 {
        guard case .timestamp(let time) = try expression.value(in: context) else {
            throw expression.failure("'\(expression.text)' is not a time")
        }
        let (sum, isTooFar) = time.addingReportingOverflow(offsetMilliseconds)
        guard !isTooFar else { throw expression.failure("'\(expression.text)' is out of range") }
        return sum
    }
}

extension Unicode.Scalar {
    var isBlankOrBreak: Bool { isBlank || SourceText.isBreak(self) }
}
