import Documents
import Events
import FoundationEssentials
import RuleTests
import Rules
import Testing

@testable import RuleSchema

/// The schemas and the decoders refuse the same: every example and every file of the lint corpus is given to both.
@Suite struct SchemaAgreementTests {
    static let ruleFiles =
        examples.filter { !$0.hasSuffix(".test.yaml") } + files("Tests/RulesTests/Corpus")
    static let testFiles = examples.filter { $0.hasSuffix(".test.yaml") }
    private static let examples = files("schemas/examples") + files("schemas/examples/24flow")

    /// What the schema of one file cannot know: the kind of a destination that another file may declare, and so what is
    /// required of a delivery to it; words that are text to a template; names that exist elsewhere.
    static let beyondSchema = [
        "literal-needed.yaml": "a bad value inside an expression",
        "hex-signature.yaml": "what a signature must be depends on the kind of the destination",
        "secret-literal-elsewhere.yaml": "which headers and addresses hold a secret",
        "wrong-kind.yaml": "the kind of a delivery is that of its destination",
    ]

    /// What says how a file must be built, and not what it means.
    static let structural: Set<FindingCode> = [
        .unknownKey, .missingKey, .wrongType, .badValue, .badDuration, .secretLiteral, .bothGiven, .wrongKind,
    ]

    private static func files(_ folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: Package.path(folder))) ?? []
        return names.filter { $0.hasSuffix(".yaml") }.sorted().map { "\(folder)/\($0)" }
    }

    @Test func `there are files to compare`() {
        #expect(Self.ruleFiles.count >= 70)
        #expect(Self.testFiles.count >= 6)
    }

    @Test(arguments: ruleFiles)
    func `both refuse the same keys of a rule file`(file: String) throws {
        let bytes = try Package.bytes(file)
        guard let (root, value) = Self.read(bytes, table: RuleKeys.file) else { return }
        let problems = SchemaValidator(FileSchema.rules().value).problems(in: value)
        let findings = Lint.check([RuleSource(path: "file.yaml", bytes: bytes)]).findings
        // Of two keys that exclude each other either may be the one that is refused.
        let refused = Set(problems.filter { $0.keyword == "additionalProperties" }.map(\.path))
        #expect(refused == Self.refusedKeys(findings, root).filter { !$0.contains("sign") }, "\(file): \(problems)")
    }

    @Test(arguments: ruleFiles)
    func `both take or refuse a rule file`(file: String) throws {
        let bytes = try Package.bytes(file)
        guard let (_, value) = Self.read(bytes, table: RuleKeys.file) else { return }
        let problems = SchemaValidator(FileSchema.rules().value).problems(in: value)
        let findings = Lint.check([RuleSource(path: "file.yaml", bytes: bytes)]).findings.filter {
            Self.structural.contains($0.code) && $0.severity == .error
        }
        if let reason = Self.beyondSchema[file.split(separator: "/").last.map(String.init) ?? ""] {
            #expect(problems.isEmpty && !findings.isEmpty, "\(file) need not be an exception any more: \(reason)")
        } else {
            #expect(problems.isEmpty == findings.isEmpty, "\(file): \(problems) \(findings.map(\.text))")
        }
    }

    @Test(arguments: testFiles)
    func `both take the tests of the examples`(file: String) throws {
        let (_, value) = try #require(Self.read(try Package.bytes(file), table: TestKeys.file))
        #expect(SchemaValidator(FileSchema.tests().value).problems(in: value) == [], "\(file)")
    }

    /// One change each to a file that is right.
    static let edits: [(old: String, new: String, key: String?)] = [
        ("match:", "matsch:", "rules/0/matsch"), ("entity: Account", "entity: [Account, Lead]", nil),
        ("kind: webhook", "kind: flowmate", nil), ("timeout: 5s", "timeout: 5 s", nil),
        ("concurrency: 4", "concurrency: 400", nil), ("bearer: {env: A}", "bearer: literal", nil),
        ("bearer: {env: A}", "bearer: {env: A, file: b}", nil), ("method: PUT", "method: put", nil),
        ("body: {a: 1}", "body: {a: 1}\n      data: {}", nil),
        ("https://a.example.com/x", "http://a.example.com/x", nil),
        ("timeout: 5s", "baseUrl: https://x.example.com", "destinations/hook/baseUrl"),
        ("timeout: 5s", "listeners: {}", "destinations/hook/listeners"), ("change: [update]", "change: []", nil),
        ("change: [update]", "change: upgrade", nil),
        ("changed: [Name]", "changed: {any: [Name], sum: [X]}", "rules/0/match/changed/sum"),
        ("scheme: standard-webhooks", "scheme: hmac", nil),
        ("scheme: standard-webhooks", "scheme: standard-webhooks\n      header: X", "destinations/hook/sign/header"),
        ("sluice: 1", "sluice: 2", nil), ("id: one", "id: One", nil), ("X-A: b", "X A: b", nil),
        ("retry: {for: 1h}", "retry: {for: 0s}", nil),
        ("retry: {for: 1h}", "retry: {four: 1h}", "rules/0/to/retry/four"),
        ("rate: 5/s", "rate: 5/d", nil), ("vars: {big: 1}", "vars: {Big: 1}", nil), ("mode: live", "mode: on", nil),
        ("https://a.example.com/x", "https://user@a.example.com/x", nil),
        ("vars: {big: 1}", "vars: {big: {a: 1}}", nil),
    ]

    @Test(arguments: edits.indices)
    func `both refuse the same edit`(index: Int) throws {
        let (old, new, key) = Self.edits[index]
        let text = Self.right.replacing(old, with: new)
        try #require(text != Self.right, "\(old) is not in the file")
        let findings = Lint.check([RuleSource(path: "file.yaml", bytes: Array(text.utf8))]).findings
        let read = Self.read(Array(text.utf8), table: RuleKeys.file)
        guard let (root, value) = read else {
            Issue.record("the edited file is no YAML")
            return
        }
        let problems = SchemaValidator(FileSchema.rules().value).problems(in: value)
        let isRefused = findings.contains { Self.structural.contains($0.code) && $0.severity == .error }
        #expect(problems.isEmpty != isRefused, "\(new): \(problems) \(findings.map(\.text))")
        guard let key else { return }
        let path = key.split(separator: "/").map(String.init)
        #expect(problems.contains { $0.refusesKey && $0.path == path }, "\(problems)")
        #expect(Self.refusedKeys(findings, root).contains(path), "\(findings.map(\.text))")
    }

    @Test func `both take the file without an edit`() throws {
        #expect(Lint.check([RuleSource(path: "file.yaml", bytes: Array(Self.right.utf8))]).findings.map(\.text) == [])
        let (_, value) = try #require(Self.read(Array(Self.right.utf8), table: RuleKeys.file))
        #expect(SchemaValidator(FileSchema.rules().value).problems(in: value) == [])
    }

    static let right = """
        sluice: 1
        vars: {big: 1}
        destinations:
          hook:
            kind: webhook
            url: https://a.example.com/x
            timeout: 5s
            concurrency: 4
            rate: 5/s
            auth:
              bearer: {env: A}
            sign:
              scheme: standard-webhooks
              secrets: [{file: a/b}]
        rules:
          - id: one
            mode: live
            match:
              entity: Account
              change: [update]
              changed: [Name]
            when: vars.big == 1
            to:
              destination: hook
              method: PUT
              headers: {X-A: b}
              retry: {for: 1h}
              body: {a: 1}

        """

    // MARK: Reading

    /// Nil where the file is no YAML that both could be asked about.
    private static func read(_ bytes: [UInt8], table: KeyTable) -> (YAMLNode, Value)? {
        let file = CheckedYAML(path: "file.yaml", bytes: bytes, table: table)
        let yaml: Set<FindingCode> = [
            .yaml, .yamlTag, .yamlFlow, .yamlAlias, .yamlTab, .yamlEncoding, .yamlDocuments, .duplicateKey, .tooDeep,
        ]
        guard let root = file.root, !file.findings.sorted().contains(where: { yaml.contains($0.code) }),
            let value = root.json
        else { return nil }
        return (root, value)
    }

    static func value(of bytes: [UInt8]) -> Value? { read(bytes, table: RuleKeys.file)?.1 }

    /// Keys that lint refuses for themselves: unknown ones, and those of another kind of destination.
    private static func refusedKeys(_ findings: [Finding], _ root: YAMLNode) -> Set<[String]> {
        var keys: Set<[String]> = []
        for finding in findings where [.unknownKey, .wrongKind].contains(finding.code) {
            guard let path = path(to: finding.location.position, in: root, []) else { continue }
            // Of a delivery, the kind is that of its destination, which the schema does not see.
            if finding.code == .wrongKind, path.first == "rules" { continue }
            keys.insert(path)
        }
        return keys
    }

    private static func path(to position: SourcePosition, in node: YAMLNode, _ path: [String]) -> [String]? {
        for entry in node.entries {
            if entry.keyPosition == position { return path + [entry.key] }
            if let found = self.path(to: position, in: entry.value, path + [entry.key]) { return found }
        }
        guard node.isList else { return nil }
        for (index, element) in node.elements.enumerated() {
            if let found = self.path(to: position, in: element, path + ["\(index)"]) { return found }
        }
        return nil
    }
}

enum Package {
    static func path(_ name: String) -> String {
        var folder = URL(filePath: #filePath)
        repeat {
            folder.deleteLastPathComponent()
        } while !FileManager.default.fileExists(atPath: folder.path() + "Package.swift") && folder.path() != "/"
        return folder.path() + name
    }

    static func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path(name)))) }
}
