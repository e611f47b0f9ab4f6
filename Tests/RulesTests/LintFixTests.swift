import Documents
import Foundation
import Testing

@testable import Rules

@Suite struct LintFixTests {
    private static let head = """
        # rules of the north
        sluice: 1   # the format
        destinations:
          hook: {kind: webhook, url: 'https://x.example'}
        rules:

        """

    private func fix(_ rule: String) -> (text: String, fixes: RuleFixes) {
        let fixes = RuleFixes([RuleSource(path: "a.yaml", bytes: Array((Self.head + rule).utf8))])
        let text = String(decoding: fixes.sources[0].bytes, as: UTF8.self)
        return (String(text.dropFirst(Self.head.count)), fixes)
    }

    @Test func `everything that is certain is mended in one run, and a second finds nothing`() {
        let (text, fixes) = fix(
            """
              - id: one
                match: {enity: Account, change: crate}   # keep me
                when: |
                  // and this
                  record.Name = 'Acme' and not has(record.Phone)
                    or record.Size * 2.0 > 1.5 * 2 and record.Id = '001A0000006Vm9r'
                to:
                  destination: hook
                  retry: {for: 20 sec}
                  body:
                    a: "${record.?Name.orValue('x') + '!'}"
                    b: "${'x' = 'y' ? 1 : 2}"

            """)
        #expect(
            text == """
                  - id: one
                    match: {entity: Account, change: create}   # keep me
                    when: |
                      // and this
                      record.Name == 'Acme' && !has(record.Phone)
                        || record.Size * 2.0 > 1.5 * 2.0 && record.Id == '001A0000006Vm9rIAC'
                    to:
                      destination: hook
                      retry: {for: 20s}
                      body:
                        a: "${record.?Name.orDefault('x') + '!'}"
                        b: "${'x' == 'y' ? 1 : 2}"

                """)
        #expect(fixes.report.findings.isEmpty, "\(fixes.report.text)")
        #expect(fixes.fixCount >= 10)
        #expect(fixes.changes(from: fixes.sources).isEmpty)
    }

    @Test func `quotes are put where YAML needs them`() {
        let (text, fixes) = fix(
            """
              - id: one
                match: {entity: Account, change: create}
                when: !has(record.Name)
                to:
                  destination: hook
                  body: {a: ${record.Name}, b: 1}

            """)
        #expect(text.contains("when: \"!has(record.Name)\"\n"))
        #expect(text.contains("body: {a: \"${record.Name}\", b: 1}\n"))
        #expect(fixes.report.errorCount == 0, "\(fixes.report.text)")
    }

    @Test func `what would need another style of quotes is left to people`() {
        let (text, fixes) = fix(
            """
              - id: one
                match: {entity: Account, change: update}
                when: 'changed(Name)'
                to: {destination: hook, body: 1}

            """)
        #expect(text.contains("when: 'changed(Name)'"))
        #expect(fixes.report.findings.map(\.code) == [.literalNeeded])
        #expect(fixes.fixCount == 0)
    }

    @Test(arguments: [
        ("record.A <> 1 or not has(record.B)", "record.A != 1 || !has(record.B)"),
        ("not has(record.B)", "not has(record.B)"),
        ("record.A == ‘x’ & true", "record.A == 'x' && true"),
        ("record.A.startWith('a') && sf.id17(record.A) == 'x'", "record.A.startsWith('a') && sf.id17(record.A) == 'x'"),
        ("Name == 'a'", "record.Name == 'a'"),
        ("record.A == None", "record.A == null"),
        ("record.A == 1 && && record.B == 2", "record.A == 1 && && record.B == 2"),
        ("record.A == = 2", "record.A == = 2"), ("| record.A == 2", "| record.A == 2"),
        ("vars.max2 == record.A", "vars.max2 == record.A"),
        ("record.A == 1 & record.B == 2 | true", "record.A == 1 && record.B == 2 || true"),
    ])
    func `an unquoted condition is mended as far as that is certain`(written: String, mended: String) {
        let (text, _) = fix(
            """
              - id: one
                match: {entity: Account, change: create}
                when: \(written)
                to: {destination: hook, body: 1}

            """)
        #expect(text.contains("    when: \(mended)\n"), "\(text)")
    }

    @Test func `names that somebody chose are not exchanged for others`() {
        let (text, fixes) = fix(
            """
              - id: one
                match: {entity: Account, change: create}
                let: {a: let.c, b: let.bb, c: "1"}
                when: let.d == 1
                to: {destination: hook-2, body: 1}

            """)
        #expect(text.contains("{a: let.c, b: let.bb, c: \"1\"}") && text.contains("let.d") && text.contains("hook-2"))
        #expect(fixes.fixCount == 0)
        #expect(fixes.report.findings.map(\.hint) == [
            "move it up: each name may use those before it", nil, "did you mean 'a'?", "did you mean 'hook'?",
        ])
    }

    @Test(arguments: CorpusTests.names)
    func `fixing a file of the corpus never makes it worse and ends`(name: String) throws {
        let before = try CorpusTests.report(name)
        let bytes = Array(try Data(contentsOf: URL(filePath: "\(CorpusTests.folder)/\(name).yaml")))
        let options = try CorpusTests.options(name)
        let fixes = RuleFixes([RuleSource(path: "\(name).yaml", bytes: bytes)], options: options)
        #expect(RuleFixes(fixes.sources, options: options).fixCount == 0, "\(fixes.report.text)")
        if before.errorCount == 0 { #expect(fixes.report.errorCount == 0, "\(fixes.report.text)") }
    }

    @Test func `a file is replaced in one step and keeps its mode`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sluice-fix-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let path = folder.appending(path: "a.yaml").path
        try Data("old".utf8).write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
        try FileManager.default.createSymbolicLink(
            atPath: folder.appending(path: "link.yaml").path, withDestinationPath: "a.yaml")
        try RuleFixes.write(Array("new".utf8), to: folder.appending(path: "link.yaml").path)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "new")
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o640)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["a.yaml", "link.yaml"])
        #expect(throws: RuleFolderError.self) { try RuleFixes.write([], to: "/nonexistent/a.yaml") }
    }
}
