import Events
import Testing

@testable import Documents

@Suite struct CheckedYAMLTests {
    private static let table = KeyTable(
        "sluice.yaml",
        [
            Key("orgs", .map(.name, .table(org)), required: true, "The orgs."),
            Key("wait", .duration, default: "5s", "A wait."),
        ])
    private static let org = KeyTable(
        "an org",
        [
            Key("token", .secret, required: true, "A token."), Key("port", .integer(1...65_535), "A port."),
            Key("plaintext", .bool, "No TLS."), Key("topics", .oneOrMore(.text), "Topics."),
        ])

    private func read(_ text: String) -> CheckedYAML {
        CheckedYAML(path: "sluice.yaml", bytes: Array(text.utf8), table: Self.table)
    }

    @Test func `reads typed values by the keys of another table`() throws {
        let file = read(
            """
            orgs:
              prod: {token: {file: /run/token}, port: 7443, plaintext: true, topics: [a, b]}
            wait: 1m30s
            """)
        let org = try #require(file.root?["orgs"]?["prod"])
        #expect(file.findings.findings.isEmpty)
        #expect(org.secret("token") == .file("/run/token"))
        #expect(org.integer("port") == 7443 && org.bool("plaintext") && org.texts("topics") == ["a", "b"])
        #expect(file.root?.milliseconds("wait") == 90_000)
    }

    @Test func `reports what does not fit, all at once and in order`() {
        let file = read(
            """
            wait: 5
            orgs:
              prod: {token: abc, prot: 7443}
              Dev: {}
            """)
        #expect(
            file.findings.sorted().map { "\($0.location) \($0.code.rawValue)" } == [
                "sluice.yaml:1:7 bad-duration", "sluice.yaml:3:17 secret-literal", "sluice.yaml:3:22 unknown-key",
                "sluice.yaml:4:3 bad-value", "sluice.yaml:4:3 missing-key",
            ])
    }

    @Test func `says once that a file is of another kind`() {
        let file = read("apiVersion: v1\nmetadata: {}\n")
        #expect(file.root == nil)
        #expect(file.findings.sorted().map(\.code) == [.missingKey])
    }

    @Test func `a misspelt required key is one finding`() {
        let file = read("ogrs: {prod: {token: {env: A}}}\n")
        #expect(file.findings.sorted().map(\.code) == [.unknownKey])
        #expect(file.findings.sorted().first?.fix?.replacement == "orgs")
    }

    @Test func `a map of ten thousand keys is one finding`() {
        let file = read("orgs: {}\nwait:\n" + (0..<10_000).map { "  k\($0): 1\n" }.joined())
        #expect(file.findings.sorted().map(\.code) == [.tooLong])
    }
}
