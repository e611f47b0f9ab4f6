import CEL
import Events

/// Text with computed pieces.
struct TextTemplate: Sendable {
    enum Piece: Sendable {
        case literal(String)
        case expression(RuleExpression)
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
        _ evaluation: Evaluation, encode: (String) -> String = { $0 }
    ) throws(RenderFailure) -> String {
        var text = ""
        for piece in pieces {
            switch piece {
            case .literal(let literal): text += literal
            case .expression(let expression):
                guard let value = try expression.value(in: evaluation) else {
                    throw expression.failure("'\(expression.text)' is absent and cannot be put inside text")
                }
                text += encode(try Self.text(of: value, expression))
            }
        }
        return text
    }

    /// - Returns: nil when the whole text is one expression that may be absent, and is.
    func renderOptional(_ evaluation: Evaluation) throws(RenderFailure) -> String? {
        guard pieces.count == 1, case .expression(let expression) = pieces[0] else { return try render(evaluation) }
        guard let value = try expression.value(in: evaluation) else { return nil }
        return try Self.text(of: value, expression)
    }

    static func text(of value: CELValue, _ expression: RuleExpression) throws(RenderFailure) -> String {
        switch value {
        case .string(let text): return text
        case .int(let number): return String(number)
        case .uint(let number): return String(number)
        case .bool(let flag): return flag ? "true" : "false"
        case .timestamp(let time): return time.text
        case .duration(let duration): return duration.text
        case .double(let number):
            var json = JSONText()
            guard json.double(number) else { throw expression.failure("'\(expression.text)' is not a finite number") }
            return json.string
        case .null: throw expression.failure("'\(expression.text)' is null and cannot be put inside text")
        case .bytes, .list, .map, .object, .optional, .type:
            throw expression.failure("'\(expression.text)' is not a single value and cannot be put inside text")
        }
    }
}

/// A time of a window.
struct TimeTemplate: Sendable {
    let expression: RuleExpression

    /// - Returns: epoch milliseconds.
    func time(in evaluation: Evaluation) throws(RenderFailure) -> Int64 {
        guard case .timestamp(let time)? = try expression.value(in: evaluation) else {
            throw expression.failure("'\(expression.text)' is not a time")
        }
        return time.milliseconds
    }
}
