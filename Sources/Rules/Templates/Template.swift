import Events

/// A body as a tree: constants already as JSON, the rest to be computed per event.
indirect enum Template: Sendable {
    case json([UInt8])
    /// A string that is one `${...}`: the value keeps its type.
    case expression(RuleExpression)
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
    /// - Returns: false, with nothing appended, when the value is an empty optional and to be left out.
    func render(into json: inout CELJSON, _ evaluation: Evaluation) throws(RenderFailure) -> Bool {
        switch self {
        case .json(let bytes): json.text.raw(bytes)
        case .expression(let expression):
            guard let value = try expression.value(in: evaluation) else { return false }
            do throws(CELJSON.Failure) {
                try json.append(value)
            } catch {
                var failure = expression.failure(error.words)
                if case .tooLong = error { failure.isTooLarge = true }
                throw failure
            }
        case .text(let text): json.text.string(try text.render(evaluation))
        case .list(let elements): try Self.render(elements, into: &json, evaluation)
        case .map(let entries): try Self.render(entries, into: &json, evaluation)
        }
        return true
    }

    private static func render(
        _ elements: [Template], into json: inout CELJSON, _ evaluation: Evaluation
    ) throws(RenderFailure) {
        json.text.raw("[")
        var isFirst = true
        for element in elements {
            let before = json.text.bytes.count
            if !isFirst { json.text.raw(",") }
            if try element.render(into: &json, evaluation) {
                isFirst = false
            } else {
                json.text.bytes.removeSubrange(before...)
            }
        }
        json.text.raw("]")
    }

    private static func render(
        _ entries: [Entry], into json: inout CELJSON, _ evaluation: Evaluation
    ) throws(RenderFailure) {
        json.text.raw("{")
        var isFirst = true
        for entry in entries {
            let before = json.text.bytes.count
            if !isFirst { json.text.raw(",") }
            json.text.raw(entry.quotedKey)
            if try entry.value.render(into: &json, evaluation) {
                isFirst = false
            } else {
                json.text.bytes.removeSubrange(before...)
            }
        }
        json.text.raw("}")
    }
}
