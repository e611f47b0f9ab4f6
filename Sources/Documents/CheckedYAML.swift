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
        root = YAMLReader(path: path, findings: findings).read(bytes)
        if let root { KeyChecker(source: root.source, findings: findings).check(root, table, at: root.position) }
    }
}
