import Documents

/// Sets a key of a destination in its rule file. Comments and everything else stay as they are.
package enum DestinationSetting {
    package enum Outcome: Sendable, Equatable {
        /// The file with the setting.
        case changed(RuleSource)
        /// It says so already.
        case same(path: String)
        /// No file declares the destination, or it is written in a way that is not edited.
        case notFound
    }

    /// - Parameters:
    ///   - value: a plain scalar.
    ///   - sources: the set of rule files.
    package static func set(
        _ key: String, to value: String, of destination: String, in sources: [RuleSource]
    ) -> Outcome {
        for source in sources {
            let file = CheckedYAML(path: source.path, bytes: source.bytes, table: RuleKeys.file)
            guard let node = file.root?["destinations"]?[destination], node.isMap,
                let first = node.entries.first
            else {
                continue
            }
            guard let fix = fix(key, value, node, first) else { return .same(path: source.path) }
            guard let bytes = Fix.apply([fix], to: source.bytes),
                takes(bytes, source, key, value, destination)
            else {
                return .notFound
            }
            return .changed(RuleSource(path: source.path, bytes: bytes))
        }
        return .notFound
    }

    private static func fix(_ key: String, _ value: String, _ node: YAMLNode, _ first: YAMLNode.Entry)
        -> Fix?
    {
        if let given = node[key] {
            guard let text = given.scalar?.text, text != value else { return nil }
            return Fix(replacing: text, with: value, at: given.position, in: given.source)
        }
        let place = first.keyPosition
        let line = Array(node.source.line(place.line))
        let before = line.prefix(place.column - 1)
        // A map in braces goes on in its line; any other has a line for each key, with the same indentation.
        let isFlow = before.contains { $0 == "{" }
        let rest = isFlow ? ", " : "\n" + String(scalars: before)
        return Fix(start: place, end: place, replacement: "\(key): \(value)\(rest)")
    }

    /// Whether the edited file says what was meant.
    private static func takes(
        _ bytes: [UInt8], _ source: RuleSource, _ key: String, _ value: String, _ destination: String
    ) -> Bool {
        let file = CheckedYAML(path: source.path, bytes: bytes, table: RuleKeys.file)
        return file.root?["destinations"]?[destination]?.text(key) == value && !file.findings.hasErrors
    }
}
