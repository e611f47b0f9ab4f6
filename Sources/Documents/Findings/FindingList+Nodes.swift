extension FindingList {
    package func report(
        _ code: FindingCode, _ severity: Finding.Severity = .error, at node: YAMLNode, _ message: String,
        hint: String? = nil, fix: Fix? = nil
    ) {
        report(code, severity, in: node.source, at: node.position, length: node.length, message, hint: hint, fix: fix)
    }

    package func report(
        _ code: FindingCode, _ severity: Finding.Severity = .error, at entry: YAMLNode.Entry, _ message: String,
        hint: String? = nil, fix: Fix? = nil
    ) {
        report(
            code, severity, in: entry.value.source, at: entry.keyPosition, length: entry.key.unicodeScalars.count,
            message, hint: hint, fix: fix)
    }
}
