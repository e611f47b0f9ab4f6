import Events

/// A body as a tree: constants already as JSON, the rest to be computed per event.
indirect enum Template: Sendable {
    case json([UInt8])
    /// A string that is one `${...}`: the value keeps its type.
    case expression(Expression)
    /// Text with `${...}` inside: always text.
    case text(TextTemplate)
    case list([Template])
    case map([Entry])

    struct Entry: Sendable {
        /// In JSON form, colon included.
        var quotedKey: [UInt8]
        var value: Template
    }

    /// Appends the JSON of this template.
    ///
    /// - Returns: false, with nothing appended, when the value is absent and to be left out.
    func render(into json: inout JSONText, _ context: EvaluationContext) throws(RenderFailure) -> Bool {
        switch self {
        case .json(let bytes): json.raw(bytes)
        case .expression(let expression):
            guard let value = try expression.value(in: context) else { return false }
            guard json.value(value) else {
                throw expression.failure("'\(expression.text)' is a number that JSON cannot carry")
            }
        case .text(let text): json.string(try text.render(context))
        case .list(let elements): try Self.render(elements, into: &json, context)
        case .map(let entries): try Self.render(entries, into: &json, context)
        }
        return true
    }

    private static func render(
        _ elements: [Template], into json: inout JSONText, _ context: EvaluationContext
    ) throws(RenderFailure) {
        json.raw("[")
        var isFirst = true
        for element in elements {
            let before = json.bytes.count
            if !isFirst { json.raw(",") }
            if try element.render(into: &json, context) {
                isFirst = false
            } else {
                json.bytes.removeSubrange(before...)
            }
        }
        json.raw("]")
    }

    private static func render(
        _ entries: [Entry], into json: inout JSONText, _ context: EvaluationContext
    ) throws(RenderFailure) {
        json.raw("{")
        var isFirst = true
        for entry in entries {
            let before = json.bytes.count
            if !isFirst { json.raw(",") }
            json.raw(entry.quotedKey)
            if try entry.value.render(into: &json, context) {
                isFirst = false
            } else {
                json.bytes.removeSubrange(before...)
            }
        }
        json.raw("}")
    }
}
