/// Any YAML file held against a key table, with the findings of rule files: unknown keys, wrong types, literal secrets,
/// all with a position.
package struct CheckedYAML {
    /// Nil if the file is not YAML at all.
    package let root: YAMLNode?
    /// The reader of the file adds its own findings here.
    package let findings: FindingList

    package init(path: String, bytes: [UInt8], table: KeyTable) {
        findings = FindingList()
        root = YAMLReader(path: path, findings: findings).read(bytes)
        if let root { KeyChecker(source: root.source, findings: findings).check(root, table, at: root.position) }
    }
}
