import Foundation
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
