import Testing

@testable import Documents

@Suite struct FixTests {
    private static let table = KeyTable(
        "a file",
        [
            Key("kind", .word(["flowmate", "webhook"]), "A word."), Key("wait", .duration, "A duration."),
            Key("when", .expression, "A condition."), Key("body", .tree, "A template."),
            Key("other", .table(KeyTable("other", [Key("entity", .text, "A text.")])), "A map."),
        ])

    /// The text after one round of fixes.
    private func fixed(_ text: String) throws -> String {
        let findings = CheckedYAML(path: "a.yaml", bytes: Array(text.utf8), table: Self.table).findings.sorted()
        let bytes = try #require(Fix.apply(findings.compactMap(\.fix), to: Array(text.utf8)))
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(arguments: [
        ("kidn: webhook # why\n", "kind: webhook # why\n"),
        ("'kidn': webhook\n", "'kind': webhook\n"),
        ("kind: webhok\n", "kind: webhook\n"),
        ("kind: \"webhok\" # c\n", "kind: \"webhook\" # c\n"),
        ("wait: 20 sec\n", "wait: 20s\n"),
        ("wiat: 20 sec\nother: {enity: a}\n", "wait: 20 sec\nother: {entity: a}\n"),
        ("when: !has(record.X)\n", "when: \"!has(record.X)\"\n"),
        ("when: !(record.X == \"a\\n\")\nkind: webhook\n", "when: \"!(record.X == \\\"a\\\\n\\\")\"\nkind: webhook\n"),
        ("body: {a: ${record.A}, b: 1}\n", "body: {a: \"${record.A}\", b: 1}\n"),
        ("body: [${x['}']}]\n", "body: [\"${x['}']}\"]\n"),
        ("body:\n  a: either: or\n  b: 1\n", "body:\n  a: \"either: or\"\n  b: 1\n"),
    ])
    func `changes exactly what is wrong and nothing else`(text: String, expected: String) throws {
        #expect(try fixed(text) == expected)
    }

    @Test(arguments: [
        "when: !has(record.X)\n  && more\n",
        "when: !has(record.X) # why\n",
        "body: {a: ${record.A} text}\n",
        "body: {a: x ${record.A}}\n",
        "wait: soon\n",
        "kind: webhook\nkidn: flowmate\n",
        "body:\n  a: either: or # why\n",
        "colour: red\n",
    ])
    func `leaves alone what it is not certain of`(text: String) throws {
        #expect(try fixed(text) == text)
    }

    @Test func `keeps a byte-order mark, and every break of a line`() throws {
        let text = "\u{FEFF}kidn: webhook\r\nwait: 5 min\r\n"
        #expect(try fixed(text) == "\u{FEFF}kind: webhook\r\nwait: 5m\r\n")
    }

    @Test func `makes fixes from the end of the file backwards and skips those that overlap`() throws {
        let fixes = [(1, 1, 3, "A"), (1, 5, 6, "BBB"), (1, 5, 9, "C")].map { line, start, end, text in
            Fix(
                start: SourcePosition(line: line, column: start), end: SourcePosition(line: line, column: end),
                replacement: text)
        }
        let bytes = try #require(Fix.apply(Array(fixes.prefix(2)), to: Array("äbcdefgh\nx".utf8)))
        #expect(String(decoding: bytes, as: UTF8.self) == "AcdBBBfgh\nx")
        let either = try #require(Fix.apply(fixes, to: Array("äbcdefgh\nx".utf8)))
        #expect(["AcdBBBfgh\nx", "AcdC\nx"].contains(String(decoding: either, as: UTF8.self)))
        #expect(Fix.apply([], to: [0xFF]) == nil)
    }

    @Test func `annotations for GitHub escape what would end a property or the message`() {
        let finding = Finding(
            severity: .warning, code: .unused,
            location: SourceLocation(path: "a,b:c.yaml", position: SourcePosition(line: 3, column: 5)), length: 4,
            message: "100% of\nit: yes, all", hint: "remove it")
        #expect(
            finding.githubAnnotation(file: "rules/a,b:c.yaml") == """
                ::warning file=rules/a%2Cb%3Ac.yaml,line=3,col=5,endColumn=9,title=unused::100%25 of%0Ait: yes, all\
                %0Ahint: remove it
                """)
    }
}
