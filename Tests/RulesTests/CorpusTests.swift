import Documents
import Foundation
import Testing

@testable import Rules

/// At least one file per finding code, and some that come close and are clean, each with the exact text that lint must
/// print. Files named `schema-...` are held against the snapshot of an org in `Corpus/schema`.
@Suite struct CorpusTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus").path

    static let names: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
    }()

    static func report(_ name: String) throws -> LintReport {
        let bytes = Array(try Data(contentsOf: URL(filePath: "\(folder)/\(name).yaml")))
        return Lint.check([RuleSource(path: "\(name).yaml", bytes: bytes)], options: try options(name))
    }

    static func options(_ name: String) throws -> Lint.Options {
        let schema = name.hasPrefix("schema-") ? try OrgSchema(folder: "\(folder)/schema") : nil
        return Lint.Options(knownOrgs: ["prod", "sandbox"], schema: schema)
    }

    @Test func `is found`() {
        #expect(Self.names.count >= 60)
    }

    @Test(arguments: names)
    func `prints exactly the expected text`(name: String) throws {
        let text = try Self.report(name).text
        // Rewrites the corpus, for a person to read the difference.
        if ProcessInfo.processInfo.environment["SLUICE_UPDATE_CORPUS"] != nil {
            try text.write(toFile: "\(Self.folder)/\(name).expected", atomically: true, encoding: .utf8)
        }
        let expected = try String(contentsOfFile: "\(Self.folder)/\(name).expected", encoding: .utf8)
        #expect(text == expected)
    }

    @Test(arguments: names)
    func `loads a file exactly when it has no errors`(name: String) throws {
        let report = try Self.report(name)
        #expect((report.ruleSet == nil) == (report.errorCount > 0))
    }

    @Test func `covers every code`() throws {
        var seen: Set<FindingCode> = [.fileSize]  // in a test of its own: the file would be over 1 MiB
        for name in Self.names { seen.formUnion(try Self.report(name).findings.map(\.code)) }
        #expect(Set(FindingCode.allCases).subtracting(seen).isEmpty)
    }

    @Test(arguments: ["clean", "clean-expressions", "schema-clean", "supported-production-order"])
    func `says nothing about a clean file`(name: String) throws {
        #expect(try Self.report(name).findings.isEmpty)
    }
}
