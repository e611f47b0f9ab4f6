/// A node of a YAML document, with its place. Scalars are text here; the key that holds one says what it must be.
package struct YAMLNode: Sendable {
    package enum Content: Sendable {
        case scalar(Scalar)
        case list([YAMLNode])
        case map([Entry])
        /// Something a finding was already reported for; nothing more is said about it.
        case broken
    }

    package enum Style: Sendable { case plain, singleQuoted, doubleQuoted, literal, folded }

    package struct Scalar: Sendable {
        package var text: String
        package var style: Style
    }

    package struct Entry: Sendable {
        package var key: String
        package var keyPosition: SourcePosition
        package var value: YAMLNode
    }

    package var content: Content
    package var position: SourcePosition
    package var source: SourceText
}

extension YAMLNode {
    package var scalar: Scalar? {
        if case .scalar(let scalar) = content { scalar } else { nil }
    }

    package var entries: [Entry] {
        if case .map(let entries) = content { entries } else { [] }
    }

    /// The elements of a list; of anything else, the node itself: the reading of "one or a list of".
    package var elements: [YAMLNode] {
        if case .list(let elements) = content { elements } else { [self] }
    }

    package var isMap: Bool {
        if case .map = content { true } else { false }
    }

    package var isList: Bool {
        if case .list = content { true } else { false }
    }

    package var isBroken: Bool {
        if case .broken = content { true } else { false }
    }

    /// A value left empty, or written `null` or `~`.
    package var isNull: Bool {
        guard let scalar, scalar.style == .plain else { return false }
        return CoreScalar(scalar.text) == .null
    }

    package func entry(_ key: String) -> Entry? { entries.first { $0.key == key } }

    package subscript(key: String) -> YAMLNode? { entry(key)?.value }

    /// How many scalars of the first line a caret line should mark.
    package var length: Int {
        guard let scalar else { return 1 }
        let rest = source.line(position.line).dropFirst(position.column - 1)
        switch scalar.style {
        case .plain: return max(1, min(scalar.text.unicodeScalars.count, rest.count))
        case .literal, .folded: return 1
        case .singleQuoted, .doubleQuoted:
            let quote = rest.first ?? "\""
            let end = rest.dropFirst().firstIndex(of: quote) ?? rest.endIndex - 1
            return max(1, end - rest.startIndex + 1)
        }
    }

    /// What it is, in words for an operator.
    package var kindInWords: String {
        switch content {
        case .scalar(let scalar) where isNull && scalar.text.isEmpty: "empty"
        case .scalar(let scalar) where SecretMask.valueOfAssignment(in: scalar.text.unicodeScalars) != nil:
            "a line of an environment file (NAME=…)"
        case .scalar(let scalar): "'\(scalar.text.shortened)'"
        case .list: "a list"
        case .map: "a map"
        case .broken: "broken"
        }
    }
}

extension String {
    /// At most 60 scalars on one line, for quoting an operator's own words in a message.
    package var shortened: String {
        let line = unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }
        return line.count <= 60 ? String(scalars: line) : String(scalars: line.prefix(57)) + "..."
    }
}
