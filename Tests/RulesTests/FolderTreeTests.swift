import Foundation
import Glibc
import Testing

@testable import Rules

struct FolderTreeTests {
    private let path = FileManager.default.temporaryDirectory.path() + "/sluice-tree-\(UUID().uuidString)"

    private func folder(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: path + "/" + name, withIntermediateDirectories: true)
    }

    private func file(_ name: String) throws { try Data("rules: []".utf8).write(to: URL(filePath: path + "/" + name)) }

    private func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: path + "/" + name, withDestinationPath: target)
    }

    @Test func `links are followed, to folders and from the top, and a loop ends`() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try folder("releases/1/team")
        try file("releases/1/a.yaml")
        try file("releases/1/team/b.yaml")
        try folder("shared")
        try file("shared/c.yaml")
        try link("rules", to: "releases/1")
        try link("releases/1/shared", to: path + "/shared")
        try link("releases/1/loop", to: path + "/releases/1")
        try folder("releases/1/.git")
        try file("releases/1/.git/d.yaml")
        let found = try FolderTree.paths(below: path + "/rules").filter { $0.hasSuffix(".yaml") }.sorted()
        #expect(found == ["a.yaml", "shared/c.yaml", "team/b.yaml"])
        #expect(try RuleFolder.read(path + "/rules").map(\.path) == found)
    }

    @Test func `rules in a sub-folder that cannot be listed are missed, not left out`() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try folder("rules/team")
        try file("rules/a.yaml")
        try file("rules/team/b.yaml")
        for mode: mode_t in [0, 0o444] {
            chmod(path + "/rules/team", mode)
            defer { chmod(path + "/rules/team", 0o755) }
            let error = asNobody(refusal)
            #expect(error?.kind == .unreadable)
            #expect(error?.path.hasPrefix(path + "/rules/team") == true)
            #expect(asNobody { FolderTree.listablePaths(below: path + "/rules") }.contains("a.yaml"))
        }
        #expect(asNobody(refusal) == nil)
    }

    @Test func `rules deeper than anybody looks are missed, too, and those below an underscore are not`() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let deep = String(repeating: "/d", count: 17)
        try folder("rules/_old" + deep)
        try file("rules/a.yaml")
        #expect(try RuleFolder.read(path + "/rules").map(\.path) == ["a.yaml"])
        try folder("rules" + deep)
        try file("rules" + deep + "/b.yaml")
        let error = refusal()
        #expect(error?.kind == .unreadable && error?.reason == "it is more than 16 folders deep")
    }

    /// As somebody who may not read everything, where the tests run as root. Of this thread only.
    private func asNobody<Result>(_ body: () -> Result) -> Result {
        // Glibc's module leaves it out.
        typealias Change = @convention(c) (uid_t) -> Int32
        guard geteuid() == 0, let symbol = dlsym(nil, "setfsuid") else { return body() }
        let change = unsafeBitCast(symbol, to: Change.self)
        _ = change(65_534)
        defer { _ = change(0) }
        return body()
    }

    /// What reading the rules ends in, if it does not go well.
    private func refusal() -> RuleFolderError? {
        do throws(RuleFolderError) {
            _ = try RuleFolder.read(path + "/rules")
            return nil
        } catch {
            return error
        }
    }

    @Test func `a folder without rule files is no rule set`() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try folder("rules")
        try file("rules/a.test.yaml")
        do throws(RuleFolderError) {
            _ = try RuleFolder.read(path + "/rules")
            Issue.record("read")
        } catch {
            #expect(error.description.contains("holds no rule files"))
        }
    }
}
