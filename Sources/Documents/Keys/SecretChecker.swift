/// Secrets are references; what is written literally never appears in a finding.
struct SecretChecker {
    let checker: KeyChecker

    func check(_ node: YAMLNode) {
        guard node.isMap, node.entries.allSatisfy({ Self.table.key($0.key) != nil }) else {
            return checker.report(
                .secretLiteral, at: node.position, length: node.length,
                "secrets are given as {env: NAME} or {file: path}",
                hint: "put the secret in an environment variable or a file, and name that here", secret: true)
        }
        checker.check(node, Self.table, at: node.position)
    }

    private static let table = KeyTable(
        "a secret", isChoice: true,
        [
            Key("env", .text, "Name of an environment variable."),
            Key("file", .text, "Path of a file."),
        ])
}
