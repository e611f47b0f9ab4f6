import Documents
import Events

/// YAML values → templates, in one scope. What cannot be read is reported, and nil.
struct TemplateParser {
    var scope: TemplateScope
    let source: SourceText
    let findings: FindingList

    /// A body: any YAML value.
    func tree(_ node: YAMLNode) -> Template? {
        switch node.content {
        case .broken: return nil
        case .scalar(let scalar): return string(node, scalar)
        case .list(let elements):
            let templates = elements.map(tree)
            return templates.contains { $0 == nil } ? nil : Self.folded(list: templates.compactMap { $0 })
        case .map(let entries):
            let templates = entries.map { entry in
                tree(entry.value).map { Template.Entry(quotedKey: Self.quoted(entry.key), value: $0) }
            }
            return templates.contains { $0 == nil } ? nil : Self.folded(map: templates.compactMap { $0 })
        }
    }

    /// Text, perhaps with computed pieces: `key`, `path`, headers, flow IDs.
    func text(_ node: YAMLNode) -> TextTemplate? {
        guard let scalar = node.scalar else { return nil }
        guard let segments = segments(node, scalar) else { return nil }
        let isWhole = segments.count == 1
        return pieces(segments, mayBeAbsent: isWhole && scope.place == .header)
    }

    /// A time: one `${...}`.
    func time(_ node: YAMLNode) -> TimeExpression? {
        guard let scalar = node.scalar, let segments = segments(node, scalar) else { return nil }
        guard segments.count == 1, case .expression(let scalars, let range, let positions) = segments[0] else {
            findings.report(
                .wrongType, in: source, at: node.position, length: node.length,
                "a window needs times, this is \(node.kindInWords)", hint: "write ${batch.firstCommit}")
            return nil
        }
        var parser = ExpressionParser(self, scalars, range, positions)
        guard let time = parser.parseTime() else { return nil }
        guard [.time, .any].contains(time.expression.staticType), !time.expression.isOptional else {
            report(.wrongArgument, at: time.expression, "'\(time.expression.text)' is not a time")
            return nil
        }
        return time
    }

    private func string(_ node: YAMLNode, _ scalar: YAMLNode.Scalar) -> Template? {
        if scalar.style == .plain, !scalar.text.hasInterpolation { return constant(node, CoreScalar(scalar.text)) }
        guard let segments = segments(node, scalar) else { return nil }
        if segments.count == 1, case .expression(let scalars, let range, let positions) = segments[0] {
            var parser = ExpressionParser(self, scalars, range, positions)
            guard let expression = parser.parse() else { return nil }
            if case .constant(let value) = expression.operand { return Self.json(value) }
            return .expression(expression)
        }
        guard let text = pieces(segments, mayBeAbsent: false) else { return nil }
        return text.constant.map { Self.json(.string($0)) } ?? .text(text)
    }

    private func constant(_ node: YAMLNode, _ scalar: CoreScalar) -> Template? {
        switch scalar {
        case .null: return Self.json(.null)
        case .bool(let flag): return Self.json(.bool(flag))
        case .int(let number): return Self.json(.int(number))
        case .double(let number): return Self.json(.double(number))
        case .text: return Self.json(.string(node.scalar?.text ?? ""))
        case .unusableNumber:
            findings.report(
                .badValue, in: source, at: node.position, length: node.length,
                "\(node.kindInWords) is not a number that JSON can carry exactly",
                hint: "put it in quotes to make it text")
            return nil
        }
    }

    // MARK: Mixed text

    private func pieces(_ segments: [Segment], mayBeAbsent: Bool) -> TextTemplate? {
        var pieces: [TextTemplate.Piece] = []
        for segment in segments {
            switch segment {
            case .literal(let text): pieces.append(.literal(text))
            case .expression(let scalars, let range, let positions):
                var parser = ExpressionParser(self, scalars, range, positions)
                guard let expression = parser.parse(), isText(expression, mayBeAbsent: mayBeAbsent) else { return nil }
                pieces.append(.expression(expression))
            }
        }
        return TextTemplate(pieces: pieces)
    }

    /// Whether the value can be put into text, as far as the file tells.
    private func isText(_ expression: Expression, mayBeAbsent: Bool) -> Bool {
        if expression.isOptional, !mayBeAbsent {
            report(
                .nullText, at: expression, "'\(expression.text)' may be absent and cannot be put inside text",
                hint: "name a field that is always known, or list it under 'needs' and write it without '?'")
            return false
        }
        if case .constant(.null) = expression.operand {
            report(.nullText, at: expression, "'\(expression.text)' is null and cannot be put inside text")
            return false
        }
        guard expression.staticType == .list || expression.staticType == .map else { return true }
        let kind = expression.staticType == .list ? "a list" : "a map"
        report(.wrongArgument, at: expression, "'\(expression.text)' is \(kind) and cannot be put inside text")
        return false
    }

    private func report(_ code: FindingCode, at expression: Expression, _ message: String, hint: String? = nil) {
        findings.report(
            code, in: source, at: expression.location.position, length: expression.text.unicodeScalars.count, message,
            hint: hint)
    }

    // MARK: Splitting

    enum Segment {
        case literal(String)
        case expression([Unicode.Scalar], Range<Int>, ScalarPositions)
    }

    /// The literal and computed pieces of a text. One computed piece with only white space around it stands alone.
    private func segments(_ node: YAMLNode, _ scalar: YAMLNode.Scalar) -> [Segment]? {
        guard scalar.text.hasInterpolation else { return [.literal(scalar.text)] }
        let scalars = Array(scalar.text.unicodeScalars)
        let positions = ScalarPositions(scalar, at: node.position, in: source)
        var segments: [Segment] = []
        var literal = String.UnicodeScalarView()
        var offset = 0
        while offset < scalars.count {
            if scalars[offset...].starts(with: "$${".unicodeScalars) {
                literal.append(contentsOf: "${".unicodeScalars)
                offset += 3
            } else if scalars[offset...].starts(with: "${".unicodeScalars) {
                guard let end = expressionEnd(scalars, from: offset, positions, node) else { return nil }
                if !literal.isEmpty { segments.append(.literal(String(literal))) }
                literal = String.UnicodeScalarView()
                segments.append(.expression(scalars, (offset + 2)..<end, positions))
                offset = end + 1
            } else {
                literal.append(scalars[offset])
                offset += 1
            }
        }
        if !literal.isEmpty { segments.append(.literal(String(literal))) }
        return Self.withoutOuterSpace(segments)
    }

    private static func withoutOuterSpace(_ segments: [Segment]) -> [Segment] {
        let kept = segments.filter { segment in
            if case .literal(let text) = segment { !text.unicodeScalars.allSatisfy(\.isBlankOrBreak) } else { true }
        }
        guard kept.count == 1, case .expression = kept[0] else { return segments }
        return kept
    }

    private func expressionEnd(
        _ scalars: [Unicode.Scalar], from start: Int, _ positions: ScalarPositions, _ node: YAMLNode
    ) -> Int? {
        switch ExpressionEnd.find(scalars, after: start + 2) {
        case .end(let end) where end - start <= ExpressionParser.maximumBytes: return end
        case .end:
            findings.report(
                .tooLong, in: source, at: positions[start], length: 2,
                "this expression is longer than \(ExpressionParser.maximumBytes) characters")
        case .nested(let offset):
            findings.report(
                .nestedTemplate, in: source, at: positions[offset], length: 2, "'${' inside an expression",
                hint: "write the inner expression without '${' and '}'")
        case .unclosed:
            let after = source.line(node.position.line).dropFirst(positions[scalars.count].column - 1)
            let isCut = node.scalar?.style == .plain && after.first { !$0.isBlank } == "#"
            findings.report(
                .syntax, in: source, at: positions[start], length: 2, "'${' is never closed",
                hint: isCut ? "' #' starts a comment in YAML: put the value in double quotes" : "add '}'")
        }
        return nil
    }

    // MARK: Constants

    static func json(_ value: Value) -> Template {
        var json = JSONText()
        json.value(value)
        return .json(json.bytes)
    }

    private static func quoted(_ key: String) -> [UInt8] {
        var json = JSONText()
        json.string(key)
        json.raw(":")
        return json.bytes
    }

    private static func folded(list templates: [Template]) -> Template {
        guard templates.isEmpty else { return .list(templates) }
        return .json(Array("[]".utf8))
    }

    private static func folded(map entries: [Template.Entry]) -> Template {
        guard entries.isEmpty else { return .map(entries) }
        return .json(Array("{}".utf8))
    }
}
