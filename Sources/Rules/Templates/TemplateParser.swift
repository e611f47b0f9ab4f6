import CEL
import Documents
import Events

/// YAML values → templates, in one scope. What cannot be read is reported, and nil.
struct TemplateParser {
    let expressions: ExpressionCompiler
    let place: ExpressionPlace

    private var findings: FindingList { expressions.findings }

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
        return pieces(segments, mayBeAbsent: isWhole && place == .header)
    }

    /// A time: one `${...}`.
    func time(_ node: YAMLNode) -> TimeTemplate? {
        guard let scalar = node.scalar, let segments = segments(node, scalar) else { return nil }
        guard segments.count == 1, case .expression(let text) = segments[0] else {
            findings.report(
                .wrongType, in: node.source, at: node.position, length: node.length,
                "a window needs times, this is \(node.kindInWords)", hint: "write ${batch.firstCommit}")
            return nil
        }
        guard let expression = expressions.compile(text, .time) else { return nil }
        guard expression.type == .timestamp || expression.type == .dyn else {
            expressions.report(
                .wrongArgument, expression.source, "a window needs times, '\(expression.text)' is \(expression.type)",
                hint: "write a time such as batch.firstCommit, or make one with ts(...)")
            return nil
        }
        return TimeTemplate(expression: expression)
    }

    private func string(_ node: YAMLNode, _ scalar: YAMLNode.Scalar) -> Template? {
        if scalar.style == .plain, !scalar.text.hasInterpolation { return constant(node, CoreScalar(scalar.text)) }
        guard let segments = segments(node, scalar) else { return nil }
        if segments.count == 1, case .expression(let text) = segments[0] {
            guard let expression = expressions.compile(text, place) else { return nil }
            if case .type = expression.type {
                expressions.report(
                    .wrongArgument, text, "'\(expression.text)' is a type, which no body can hold",
                    hint: "compare it, as in type(x) == string")
                return nil
            }
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
                .badValue, in: node.source, at: node.position, length: node.length,
                "\(node.kindInWords) is not a number that JSON can carry exactly",
                hint: "put it in quotes to make it text")
            return nil
        }
    }

    // MARK: Mixed text

    private func pieces(_ segments: [Segment], mayBeAbsent: Bool) -> TextTemplate? {
        let pieces = segments.map { segment -> TextTemplate.Piece? in
            switch segment {
            case .literal(let text): return .literal(text)
            case .expression(let text):
                guard let expression = expressions.compile(text, place), isText(expression, mayBeAbsent: mayBeAbsent)
                else { return nil }
                return .expression(expression)
            }
        }
        return pieces.contains { $0 == nil } ? nil : TextTemplate(pieces: pieces.compactMap { $0 })
    }

    /// Whether the value can be put into text, as far as the file tells.
    private func isText(_ expression: RuleExpression, mayBeAbsent: Bool) -> Bool {
        switch expression.type {
        case .optional where mayBeAbsent: return true
        case .optional:
            expressions.report(
                .nullText, expression.source, "'\(expression.text)' may be absent and cannot be put inside text",
                hint: "end it with .orDefault('...'), or list the field under 'needs' and write it without '?'")
        case .null, .nullable:
            expressions.report(
                .nullText, expression.source, "'\(expression.text)' may be null and cannot be put inside text",
                hint: "choose a text for null: x == null ? '' : x")
        case .list:
            expressions.report(
                .wrongArgument, expression.source, "'\(expression.text)' is a list and cannot be put inside text",
                hint: "join its elements: .join(', ')")
        case .type, .bytes:
            expressions.report(
                .wrongArgument, expression.source,
                "'\(expression.text)' is \(expression.type) and cannot be put inside text",
                hint: "write string(x), or base64.encode(x) of bytes")
        case .map, .object:
            expressions.report(
                .wrongArgument, expression.source, "'\(expression.text)' is a map and cannot be put inside text",
                hint: "name one of its members")
        default: return true
        }
        return false
    }

    // MARK: Splitting

    enum Segment {
        case literal(String)
        case expression(ExpressionText)
    }

    /// The literal and computed pieces of a text. One computed piece with only white space around it stands alone.
    private func segments(_ node: YAMLNode, _ scalar: YAMLNode.Scalar) -> [Segment]? {
        guard scalar.text.hasInterpolation else { return [.literal(scalar.text)] }
        let scalars = Array(scalar.text.unicodeScalars)
        let positions = ScalarPositions(scalar, at: node.position, in: node.source)
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
                segments.append(
                    .expression(ExpressionText(scalars, (offset + 2)..<end, positions, path: node.source.path)))
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
        do {
            return try CELSyntaxTree.endOfEmbedded(in: scalars, from: start + 2)
        } catch {
            // What is wrong inside is for the reader of the expression to say, once it is known where that ends.
            if let end = Self.likelyEnd(scalars, from: start + 2) { return end }
            let place = error.range?.lowerBound ?? start
            guard place > start + 2, place < scalars.count, scalars[place] == "'" || scalars[place] == "\"" else {
                reportUnclosed(scalars, from: start, positions, node)
                return nil
            }
            findings.report(.syntax, in: node.source, at: positions[place], length: 1, error.message)
            return nil
        }
    }

    /// The closing brace by brackets and quotes alone.
    private static func likelyEnd(_ scalars: [Unicode.Scalar], from start: Int) -> Int? {
        var depth = 0
        var quote: Unicode.Scalar?
        for index in start..<max(start, scalars.count) {
            let scalar = scalars[index]
            if let open = quote {
                if scalar == open, scalars[index - 1] != "\\" { quote = nil }
            } else if scalar == "'" || scalar == "\"" {
                quote = scalar
            } else if scalar == "{" {
                depth += 1
            } else if scalar == "}" {
                if depth == 0 { return index }
                depth -= 1
            }
        }
        return nil
    }

    private func reportUnclosed(
        _ scalars: [Unicode.Scalar], from start: Int, _ positions: ScalarPositions, _ node: YAMLNode
    ) {
        let after = node.source.line(node.position.line).dropFirst(positions[scalars.count].column - 1)
        let isCut = node.scalar?.style == .plain && after.first { !$0.isBlank } == "#"
        findings.report(
            .syntax, in: node.source, at: positions[start], length: 2, "'${' is never closed",
            hint: isCut ? "' #' starts a comment in YAML: put the value in double quotes" : "add '}'")
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

extension Unicode.Scalar {
    var isBlankOrBreak: Bool { isBlank || SourceText.isBreak(self) }
}
