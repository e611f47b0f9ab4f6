/// Secrets are references; what is written literally never appears in a finding.
struct SecretChecker {
    let checker: KeyChecker

    func check(_ node: YAMLNode) {
        guard node.isMap, node.entries.allSatisfy({ DestinationKeys.secret.key($0.key) != nil }) else {
            return checker.report(
                .secretLiteral, at: node.position, length: node.length,
                "secrets are given as {env: NAME} or {file: path}",
                hint: "put the secret in an environment variable or a file, and name that here", secret: true)
        }
        checker.check(node, DestinationKeys.secret, at: node.position)
    }
}
