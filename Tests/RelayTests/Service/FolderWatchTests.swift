import FoundationEssentials
import Glibc
import Testing

@testable import Relay

/// With real files: what the system tells is the subject.
@Suite(.timeLimit(.minutes(15))) struct FolderWatchTests {
    private let folder: RuleFiles

    init() throws { folder = try RuleFiles() }

    @Test func `writing, replacing by rename, removing, and new folders are all seen`() async throws {
        let watch = try FolderWatch([folder.rules])
        var changes = watch.changes.makeAsyncIterator()
        func seen(_ what: String, _ change: () throws -> Void) async throws {
            let before = watch.changeCount
            try change()
            while watch.changeCount == before { _ = await changes.next() }
            try watch.refresh()
        }
        try await seen("a new file") { try folder.write("a.yaml", "1") }
        try await seen("an edit") { try folder.write("a.yaml", "2") }
        try await seen("an atomic save") {
            try folder.write(".a.yaml.tmp", "3")
            rename(folder.rules + "/.a.yaml.tmp", folder.rules + "/a.yaml")
        }
        try await seen("a folder") { mkdir(folder.rules + "/below", 0o700) }
        try await seen("a file in it") { try folder.write("below/b.yaml", "1") }
        try await seen("a removal") { unlink(folder.rules + "/below/b.yaml") }
    }

    @Test func `a folder that is replaced as a whole is watched again`() async throws {
        let watch = try FolderWatch([folder.rules])
        var changes = watch.changes.makeAsyncIterator()
        rename(folder.rules, folder.path + "/old")
        _ = await changes.next()
        mkdir(folder.rules, 0o700)
        _ = await changes.next()
        try watch.refresh()
        let before = watch.changeCount
        try folder.write("a.yaml", "1")
        while watch.changeCount == before { _ = await changes.next() }
    }

    @Test func `files beside the watched folder are nobody's business`() async throws {
        let watch = try FolderWatch([folder.rules])
        var changes = watch.changes.makeAsyncIterator()
        try Data("x".utf8).write(to: URL(filePath: folder.path + "/sluice.db"))
        try folder.write("a.yaml", "1")
        _ = await changes.next()
        let one = watch.changeCount
        // Written first, and often: had it counted, the count would be far higher than what one file makes.
        for _ in 0..<50 { try Data("xx".utf8).write(to: URL(filePath: folder.path + "/sluice.db")) }
        try folder.write("b.yaml", "1")
        while watch.changeCount == one { _ = await changes.next() }
        #expect(watch.changeCount <= one + 20)
    }
}

/// A folder of rule files that goes away with the test.
final class RuleFiles: Sendable {
    let path: String
    var rules: String { path + "/rules" }

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/sluice-rules-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path + "/rules", withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: rules + "/" + name))
    }
}
