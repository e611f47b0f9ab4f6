import Testing

@testable import Documents

@Suite struct SecretMaskTests {
    @Test(arguments: [
        ("auth: {clientSecret: abc123, x: 1", "auth: {clientSecret: ••••••, x: 1"),
        ("  bearer:   \"s3cr\" oops: ]", "  bearer:   ••••••••••••••"),
        ("password: {env: NAME}", "password: {env: NAME}"),
        ("accessToken: ${x}", "accessToken: ${x}"),
        ("secrets: [{env: A}]", "secrets: [{env: A}]"),
        ("entity: Account", "entity: Account"),
        ("SF_TOKEN=abc", "SF_TOKEN=•••"), ("export a_b = xy", "export a_b =•••"), ("  token=x", "  token=•"), ("A=1", "A=1"), ("when: A1==2", "when: A1==2"), ("A1==2", "A1==2"),
    ])
    func `a literal secret is hidden with columns kept, and nothing else`(line: String, shown: String) {
        let masked = SecretMask.apply(to: Array(line.unicodeScalars))
        #expect(String(scalars: masked) == shown)
        #expect(masked.count == line.unicodeScalars.count)
    }

    @Test func `an environment file in the place of another does not show its values`() {
        let file = CheckedYAML(path: "x.env", bytes: Array("TOKEN=hunter2\n".utf8), table: KeyTable("a", []))
        let shown = file.findings.sorted().map(\.text).joined()
        #expect(shown.contains("NAME=…") && !shown.contains("hunter2"))
    }

    @Test func `a syntax error on the line of a secret does not show it`() {
        let text = "orgs:\n  prod: {token: hunter2, port: }}\n"
        let file = CheckedYAML(path: "a.yaml", bytes: Array(text.utf8), table: KeyTable("a", []))
        let shown = file.findings.sorted().map(\.text).joined()
        #expect(!shown.isEmpty && !shown.contains("hunter2"))
    }
}
