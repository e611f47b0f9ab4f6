import FoundationEssentials

@testable import RuleTests

/// A rules folder that is gone with its last user.
final class TestFolder {
    let path: String

    init(_ files: [String: String]) throws {
        path = FileManager.default.temporaryDirectory.path() + "/sluice-rule-tests-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for (name, text) in files { try write(text, to: name) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, to name: String) throws {
        let full = "\(path)/\(name)"
        let folder = String(full[..<full.lastIndex(of: "/")!])
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: full))
    }

    func read(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: "\(path)/\(name)")), as: UTF8.self)
    }

    func run(_ options: RuleTester.Options = RuleTester.Options()) async throws -> TestReport {
        try await RuleTester(options: options).run(paths: [path])
    }

    /// The report's text with file names as seen from the folder.
    func text(_ report: TestReport) -> String { report.text.replacing(path + "/", with: "") }

    /// A webhook, a rule on accounts with `when`, and the tests given.
    static func accounts(when: String = "record.?Rating.orDefault('') == 'Hot'", tests: String) throws -> TestFolder {
        try TestFolder([
            "rules.yaml": """
                sluice: 1
                destinations:
                  hook: {kind: webhook, url: "https://hook.example.com/in"}
                rules:
                  - id: hot-account
                    match: {entity: Account, change: [create, update]}
                    when: |
                      \(when)
                    to:
                      destination: hook
                      body: {id: "${recordId}", rating: "${record.?Rating}"}

                """,
            "rules.test.yaml": "sluice: 1\nsuite: accounts\ntests:\n" + tests,
        ])
    }
}
