import Events

/// Text with computed pieces.
struct TextTemplate: Sendable {
    enum Piece: Sendable {
        case literal(String)
        case expression(Expression)
    }

    var pieces: [Piece]

    /// The text, if nothing in it is computed.
    var constant: String? {
        var text = ""
        for piece in pieces {
            guard case .literal(let literal) = piece else { return nil }
            text += literal
        }
        return text
    }

    /// - Parameter encode: applied to computed pieces only (`path` percent-encodes them).
    func render(
        _ context: EvaluationContext, encode: (String) -> String = { $0 }
    ) throws(RenderFailure) -> String {
        var text = ""
        for piece in pieces {
            switch piece {
            case .literal(let literal): text += literal
            case .expression(let expression): text += encode(try Self.text(of: expression, context))
            }
        }
        return text
    }

    /// - Returns: nil when the whole text is one expression that may be absent, and is.
    func renderOptional(_ context: EvaluationContext) throws(RenderFailure) -> String? {
        if pieces.count == 1, case .expression(let expression) = pieces[0], expression.isOptional,
            try expression.value(in: context) == nil
        {
            return nil
        }
        return try render(context)
    }

    static func text(of expression: Expression, _ context: EvaluationContext) throws(RenderFailure) -> String {
        switch try expression.value(in: context) {
        case .string(let text): return text
        case .int(let number): return String(number)
        case .bool(let flag): return flag ? "true" : "false"
        case .timestamp(let milliseconds): return Timestamp.rfc3339(milliseconds)
        case .double(let number):
            var json = JSONText()
            guard json.double(number) else { throw expression.failure("'\(expression.text)' is not a finite number") }
            return json.string
        case nil: throw expression.failure("'\(expression.text)' is absent and cannot be put inside text")
        case .null: throw expression.failure("'\(expression.text)' is null and cannot be put inside text")
        case .bytes, .list, .record:
            throw expression.failure("'\(expression.text)' is not a single value and cannot be put inside text")
        }
    }
}
