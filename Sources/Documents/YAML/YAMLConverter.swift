import Yams

/// Yams' nodes → ours.
struct YAMLConverter {
    let source: SourceText
    let findings: FindingList
    let tagged: Set<SourcePosition>

    func node(_ node: Node, depth: Int) -> YAMLNode {
        let position = node.mark.map { SourcePosition(line: $0.line, column: $0.column) }
        let place = position ?? SourcePosition(line: 1, column: 1)
        return YAMLNode(content: content(node, at: place, depth: depth), position: place, source: source)
    }

    private func content(_ node: Node, at position: SourcePosition, depth: Int) -> YAMLNode.Content {
        guard !tagged.contains(position) else { return .broken }
        guard depth <= YAMLReader.maximumDepth else {
            findings.report(
                .tooDeep, in: source, at: position, "this is nested more than \(YAMLReader.maximumDepth) levels deep")
            return .broken
        }
        switch node {
        case .scalar(let scalar): return .scalar(YAMLNode.Scalar(text: scalar.string, style: style(scalar.style)))
        case .sequence(let sequence): return .list(sequence.map { self.node($0, depth: depth + 1) })
        case .mapping(let mapping) where mapping.count > YAMLReader.maximumKeys:
            findings.report(
                .tooLong, in: source, at: position,
                "this map has \(mapping.count) keys, more than \(YAMLReader.maximumKeys)")
            return .broken
        case .mapping(let mapping): return .map(mapping.compactMap { entry($0.key, $0.value, depth: depth) })
        case .alias: return .broken
        }
    }

    private func entry(_ key: Node, _ value: Node, depth: Int) -> YAMLNode.Entry? {
        let keyNode = node(key, depth: depth + 1)
        guard let text = keyNode.scalar?.text else {
            if !keyNode.isBroken {
                findings.report(.yaml, in: source, at: keyNode.position, "a key must be text, this is a list or a map")
            }
            return nil
        }
        if let first = text.unicodeScalars.first, (0xE000...0xE0FF).contains(first.value) { return nil }
        return YAMLNode.Entry(key: text, keyPosition: keyNode.position, value: node(value, depth: depth + 1))
    }

    private func style(_ style: Node.Scalar.Style) -> YAMLNode.Style {
        switch style {
        case .singleQuoted: .singleQuoted
        case .doubleQuoted: .doubleQuoted
        case .literal: .literal
        case .folded: .folded
        case .any, .plain: .plain
        }
    }
}
