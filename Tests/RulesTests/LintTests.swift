import Documents
import Foundation
import Testing

@testable import Rules

@Suite struct LintTests {
    private func check(_ text: String) -> LintReport {
        Lint.check([RuleSource(path: "a.yaml", bytes: Array(text.utf8))])
    }

    private static let destination = "destinations:\n  hook: {kind: webhook, url: 'https://hooks.example.com/x'}\n"

    @Test func `takes all files as one set and names the first place of a repeated id`() {
        let rule = "rules:\n  - {id: one, match: {event: A__e}, to: {destination: hook, body: 1}}\n"
        let report = Lint.check([
            RuleSource(path: "b.yaml", bytes: Array(("sluice: 1\n" + rule).utf8)),
            RuleSource(path: "a.yaml", bytes: Array(("sluice: 1\n" + Self.destination + rule).utf8)),
        ])
        #expect(report.findings.map(\.location.description) == ["b.yaml:3:10"])
        #expect(report.findings.first?.message == "rule 'one' is also defined at a.yaml:5")
        #expect(report.ruleSet == nil)
    }

    @Test func `a name that stands nowhere is unknown even while another file cannot be read`() {
        let rule = "rules:\n  - {id: one, match: {event: A__e}, to: [{destination: gone, body: 1}, {destination: there, body: 1}]}\n"
        let report = Lint.check([
            RuleSource(path: "a.yaml", bytes: Array(("sluice: 1\n" + rule).utf8)),
            RuleSource(path: "b.yaml", bytes: Array("sluice: 1\ndestinations: {there: [".utf8)),
        ])
        #expect(report.findings.map(\.code) == [.unknownDestination, .yaml], "\(report.text)")
        #expect(report.findings.first?.message == "no destination is named 'gone'")
    }

    @Test func `a destination that is defined twice is read both times`() {
        let again = "destinations:\n  hook: {kind: webhook, url: 'http://hooks.example.com/x'}\n"
        let both = Lint.check([
            RuleSource(path: "a.yaml", bytes: Array(("sluice: 1\n" + Self.destination).utf8)),
            RuleSource(path: "b.yaml", bytes: Array(("sluice: 1\n" + again).utf8)),
        ])
        #expect(both.findings.filter { $0.severity == .error }.map(\.code) == [.duplicateID, .badValue], "\(both.text)")
    }

    @Test func `refuses a file over one mebibyte`() {
        let report = check(String(repeating: "#", count: (1 << 20) + 1))
        #expect(
            report.text == """
                a.yaml:1:1: error[file-size]: the file has 1048577 bytes, more than 1 MiB
                  hint: split it into several files

                """)
    }

    @Test func `counts what it does not show`() {
        let report = check("sluice: 1\n" + (0..<213).map { "k\($0): 1\n" }.joined())
        #expect(report.findings.count == 200)
        #expect(report.errorCount == 213 && report.errorsInWords == "213 errors (13 of them are not shown)")
        #expect(report.json.hasPrefix(#"{"files":1,"errors":213,"warnings":0,"findings":["#))
        #expect(check("sluice: 1\nk: 1\n").errorsInWords == "1 error")
    }

    @Test(arguments: [
        ("retry: {for: 1h}", "'retry' belongs under 'to'"), ("changed: [Name]", "'changed' belongs under 'match'"),
        ("entity: Account", "'entity' belongs under 'match'"), ("quiet: 5s", "'quiet' belongs under 'to.coalesce'"),
        ("key: x", "'key' belongs under 'to'"), ("timeout: 5s", "'timeout' belongs under 'destinations.NAME'"),
        ("vars: {}", "'vars' belongs at the top of the file"), ("lables: {}", "did you mean 'labels'?"),
    ])
    func `says where a key belongs that is somewhere else`(line: String, hint: String) {
        let report = check(
            """
            sluice: 1
            destinations:
              hook: {kind: webhook, url: "https://hooks.example.com/x"}
            rules:
              - id: one
                match: {entity: Account, change: [update]}
                \(line)
                to: {destination: hook, body: {}}

            """)
        #expect(report.findings.map(\.code) == [.unknownKey] && report.findings.first?.hint == hint, "\(report.text)")
    }

    @Test func `a key that belongs to two places is told both`() {
        let report = check(
            """
            sluice: 1
            destinations:
              hook: {kind: webhook, url: "https://hooks.example.com/x", retry: {for: 1h}}

            """)
        #expect(report.findings.first?.hint == "'retry' belongs under 'defaults' or under 'rules.to'", "\(report.text)")
    }

    @Test func `loads an empty set from no files at all`() {
        let report = Lint.check([])
        #expect(report.findings.isEmpty)
        #expect(report.ruleSet?.ruleIDs == [])
    }

    @Test func `prints findings as JSON`() {
        let report = check("sluice: 1\nrule: []\n")
        #expect(
            report.json == """
                {"files":1,"errors":1,"warnings":0,"findings":[{"file":"a.yaml","line":2,"column":1,"length":4,\
                "severity":"error","code":"unknown-key","message":"'rule' is not a key of a rule file",\
                "hint":"did you mean 'rules'?","fix":{"line":2,"column":1,"endLine":2,"endColumn":5,\
                "replacement":"rules"}}]}
                """)
    }

    @Test func `prints findings as annotations for GitHub`() {
        let report = check("sluice: 1\nrule: []\n")
        let annotation = """
            line=2,col=1,endColumn=5,title=unknown-key::'rule' is not a key of a rule file\
            %0Ahint: did you mean 'rules'?

            """
        #expect(report.github() == "::error file=a.yaml," + annotation)
        #expect(report.github { "deploy/rules/" + $0 } == "::error file=deploy/rules/a.yaml," + annotation)
    }

    @Test func `fails for warnings only when it is strict`() {
        let warned = check("sluice: 1\n" + Self.destination)
        #expect(warned.warningCount == 1 && !warned.fails(strict: false) && warned.fails(strict: true))
        #expect(check("sluice: 1\nrule: []\n").fails(strict: false))
        #expect(!check("sluice: 1\n").fails(strict: true))
    }

    @Test func `a file that cannot be read is not also missed by the others`() {
        let rule = "rules:\n  - {id: one, match: {event: A__e}, to: {destination: hook, body: 1}}\n"
        let report = Lint.check([
            RuleSource(path: "a.yaml", bytes: Array("sluice: 1\ndestinations: {hook: [}\n".utf8)),
            RuleSource(path: "b.yaml", bytes: Array(("sluice: 1\n" + rule).utf8)),
        ])
        #expect(report.findings.map(\.code) == [.yaml], "\(report.text)")
    }

    @Test func `never shows a literal secret`() {
        for value in ["hunter2", "{value: hunter2}", "[hunter2]", "'hunter2'", "|\n        hunter2"] {
            let report = check(
                "sluice: 1\ndestinations:\n  d:\n    kind: webhook\n    url: https://x.example\n"
                    + "    auth:\n      bearer: \(value)\n")
            #expect(report.findings.map(\.code) == [.secretLiteral])
            #expect(!report.text.contains("hunter2") && !report.json.contains("hunter2"))
        }
    }

    @Test func `points at the column where the character is, whatever precedes it`() {
        let report = check("sluice: 1\nvars: {a: \"äöü😀\", B: 1}\n")
        #expect(report.findings.first?.location.position == SourcePosition(line: 2, column: 19))
    }

    @Test func `shows a window of a very long line`() {
        let report = check("sluice: 1\nvars: {" + String(repeating: "a: 1, ", count: 20_000) + "b: 2}\n")
        let lines = report.text.split(separator: "\n")
        #expect(lines.allSatisfy { $0.count < 200 })
        #expect(report.findings.allSatisfy { $0.code == .duplicateKey })
    }

    // MARK: What YAML may look like without being wrong

    @Test(arguments: [
        "a: plain text with &amp and *stars* and !bangs\n",
        "a: goes on\n    && in the next line *with this\n    !and 'that\n",
        "a: |\n    x\n    \ttab, &anchor *alias !tag\n    ${ literal\n",
        "a: \"&x *y !z # no comment\"\n",
        "a: 'it''s &x\n    *y'\n",
        "# &comment *about !things\n  a: x # *y &z !w\n",
        "a: [ '&x', \"*y\", a*b, x&y ]\n",
        "a: a&b*c\n",
        "\"a\": 1\n",
    ])
    func `sees no alias, tag or tab where there is none`(vars: String) {
        let report = check("sluice: 1\nvars:\n  " + vars)
        #expect(report.findings.allSatisfy { $0.code == .unused }, "\(report.text)")
    }

    @Test(arguments: [
        ("a: &x 1\n  b: *x\n", FindingCode.yamlAlias, 3, 6), ("a: *x\n", .yamlAlias, 3, 6),
        ("a: [1, *x]\n", .yamlAlias, 3, 10), ("? *x\n  : 1\n", .yamlAlias, 3, 5), ("a: !x 1\n", .yamlTag, 3, 6),
        ("a: [!x 1]\n", .yamlTag, 3, 7), ("\ta: 1\n", .yamlTab, 3, 3),
    ])
    func `finds what YAML would hide`(vars: String, code: FindingCode, line: Int, column: Int) {
        let report = check("sluice: 1\nvars:\n  " + vars)
        #expect(report.findings.map(\.code) == [code], "\(report.text)")
        #expect(report.findings.first?.location.position == SourcePosition(line: line, column: column))
    }

    // MARK: Destinations

    private func destination(_ body: String) -> LintReport {
        let rule = "rules:\n  - {id: r, match: {event: A__e}, to: {destination: d, body: 1, data: 1}}\n"
        return check("sluice: 1\ndestinations:\n  d:\n    \(body)\n" + rule)
    }

    @Test(arguments: [
        ("{kind: webhook}", "a destination of kind webhook needs 'url'"),
        (
            "{kind: flowmate, url: 'https://x.example'}",
            "'url' is only for destinations of kind webhook; 'd' is a flowmate destination"
        ),
        ("{kind: webhook, url: 'http://x.example'}", "plain http is not allowed for 'd'"),
        ("{kind: webhook, url: 'ftp://x.example'}", "'ftp://x.example' is not a URL"),
        ("{kind: webhook, url: 'https://x.example', tls: {cert: c.pem}}", "tls needs 'key' when it has 'cert'"),
        ("{kind: webhook, url: 'https://x.example', rate: 5}", "'5' is not a rate"),
        ("{kind: webhook, url: 'https://x.example', concurrency: 0}", "'0' is not from 1 to 256"),
        (
            "{kind: webhook, url: 'https://x.example', headers: {Host: a}}",
            "the header 'Host' is set by the relay itself"
        ),
        ("{kind: webhook, url: 'https://x.example', auth: {}}", "auth needs one of 'bearer', 'basic', 'header', 'oauth2'"),
        (
            "{kind: webhook, url: 'https://x.example', auth: {bearer: {env: A}, basic: {user: u, password: {env: B}}}}",
            "'bearer' and 'basic' cannot both be given"
        ),
        (
            "{kind: webhook, url: 'https://x.example', sign: {scheme: hmac, secrets: [{env: A}], "
                + "algorithm: sha256, header: S}}",
            "sign needs 'encoding' with scheme hmac"
        ),
        (
            "{kind: webhook, url: 'https://x.example', sign: {scheme: standard-webhooks, "
                + "secrets: [{env: A}], prefix: x}}",
            "'prefix' is only for scheme hmac"
        ),
    ])
    func `says what is wrong with a destination`(text: String, message: String) {
        #expect(destination(text).findings.map(\.message).contains(message), "\(destination(text).text)")
    }

    @Test func `does not print the password of a URL`() {
        let report = destination("{kind: webhook, url: 'https://user:hunter2@x.example'}")
        #expect(report.findings.contains { $0.code == .secretLiteral })
        #expect(!report.text.contains("hunter2"))
    }

    // MARK: Folder

    @Test func `reads the yaml files of a folder and its sub-folders, without tests and hidden ones`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sluice-rules-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(
            at: folder.appending(path: "sub/_off"), withIntermediateDirectories: true)
        for name in ["b.yaml", "sub/a.yml", "sub/_off/x.yaml", "_y.yaml", ".z.yaml", "c.test.yaml", "notes.txt"] {
            try Data("sluice: 1\n".utf8).write(to: folder.appending(path: name))
        }
        #expect(try RuleFolder.read(folder.path).map(\.path) == ["b.yaml", "sub/a.yml"])
        let single = try Lint.check(paths: [folder.appending(path: "b.yaml").path])
        #expect(single.fileCount == 1 && single.findings.isEmpty)
    }

    @Test func `says which folder cannot be read and why`() {
        let error = #expect(throws: RuleFolderError.self) { try Lint.check(paths: ["/nonexistent/rules"]) }
        #expect(
            error?.description == """
                cannot read rules from /nonexistent/rules: there is no such file or folder. Check the path (without \
                one, 'rules' in sluice.yaml) and its permissions.
                """)
    }
}
