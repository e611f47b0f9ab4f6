/// An operator's YAML file held against its key table: the tree, and what does not fit (unknown keys, wrong types,
/// literal secrets), each with its place.
package struct CheckedYAML {
    /// Nil if the file is not YAML at all.
    package let root: YAMLNode?
    /// The reader of the file adds its own findings here.
    package let findings: FindingList

    /// - Parameters:
    ///   - path: as findings name the file.
    ///   - findings: shared by all files of one check.
    package init(path: String, bytes: [UInt8], table: KeyTable, findings: FindingList = FindingList()) {
        self.findings = findings
        let root = YAMLReader(path: path, findings: findings).read(bytes)
        guard let root, !Self.isSomethingElse(root, table) else {
            self.root = nil
            if let root { Self.refuse(root, table, findings) }
            return
        }
        self.root = root
        KeyChecker(source: root.source, findings: findings, file: table).check(root, table, at: root.position)
    }

    /// Not one key is known, or nearly so: another kind of file, which is one finding and not one for each key.
    private static func isSomethingElse(_ root: YAMLNode, _ table: KeyTable) -> Bool {
        let names = table.keys.map(\.name)
        return root.isMap && !root.entries.isEmpty
            && root.entries.allSatisfy { table.key($0.key) == nil && Suggestion.nearest(to: $0.key, in: names) == nil }
    }

    private static func refuse(_ root: YAMLNode, _ table: KeyTable, _ findings: FindingList) {
        let names = table.keys.map(\.name).joined(separator: ", ")
        let required = table.keys.first(where: \.isRequired)?.name ?? table.keys.first?.name ?? ""
        findings.report(
            .missingKey, at: root, "this is not \(table.name): it has none of its keys",
            hint: "the keys are \(names); '\(required)' comes first")
    }
}
