import Documents
import Events

/// Writes values as YAML in block style.
struct YAMLText {
    private(set) var lines: [String] = []

    /// - Parameter indent: spaces before the key.
    mutating func entry(_ key: String, _ value: Value, indent: Int) {
        let start = String(repeating: " ", count: indent) + Self.scalar(key) + ":"
        switch value {
        case .record(let fields) where !fields.isEmpty:
            lines.append(start)
            for field in fields.fields { entry(field.name, field.value, indent: indent + 2) }
        case .list(let elements) where !elements.isEmpty:
            lines.append(start)
            for element in elements { self.element(element, indent: indent + 2) }
        default: lines.append("\(start) \(Self.inline(value))")
        }
    }

    private mutating func element(_ value: Value, indent: Int) {
        let dash = String(repeating: " ", count: indent) + "- "
        switch value {
        case .record(let fields) where !fields.isEmpty:
            var inner = YAMLText()
            for field in fields.fields { inner.entry(field.name, field.value, indent: indent + 2) }
            lines.append(dash + inner.lines[0].dropFirst(indent + 2))
            lines += inner.lines.dropFirst()
        default: lines.append(dash + Self.inline(value))
        }
    }

    private static func inline(_ value: Value) -> String {
        if case .string(let text) = value { return scalar(text) }
        var json = JSONText()
        json.value(value)
        return json.string
    }

    /// Plain where that is the same text, else as JSON writes it, which YAML reads.
    static func scalar(_ text: String) -> String {
        let isPlain =
            CoreScalar(text) == .text && text.unicodeScalars.first.map { $0.isLetter || $0.isDigit } == true
            && text.unicodeScalars.allSatisfy { $0.isWord || " ./-:+@".unicodeScalars.contains($0) }
            && !text.contains(": ") && !text.hasSuffix(":") && !text.hasSuffix(" ")
        guard !isPlain else { return text }
        var json = JSONText()
        json.string(text)
        return json.string
    }
}
