import FoundationEssentials
import Testing

/// Reads the `import` lines, so that the picture in the README stays true.
@Suite struct ImportTests {
    /// Lowest first. A target may import targets of earlier lines only.
    private static let layers: [[String]] = [
        ["CCurl", "CNghttp2", "CPubSub", "CRE2", "CZlib", "CAllocations"],
        ["Events", "CEL"],
        ["Avro", "Curl", "Documents", "HTTP2", "PubSub", "Store"],
        ["ChangeEvents", "GRPC", "FlowMate", "IntegratorIO", "Rules", "Settings"],
        ["Salesforce", "Emulator"],
        ["SalesforceREST"],
        ["Relay"],
        ["Control", "RuleTests"],
        ["RuleSchema"],
        ["sluice", "sluice-bench"],
    ]

    /// Who alone may import a library that is not Swift's own.
    private static let owners: [String: Set<String>] = [
        "CCurl": ["Curl"], "CNghttp2": ["HTTP2"], "CPubSub": ["PubSub"], "CZlib": ["Emulator"], "GRDB": ["Store"],
        "Yams": ["Documents", "Emulator"], "Hummingbird": ["Control", "Emulator", "sluice"],
        "ServiceLifecycle": ["Control", "Emulator", "sluice"], "NIOCore": ["Control", "Emulator"],
        "NIOPosix": ["Control", "Emulator"], "NIOHTTP1": ["Control"],
        "CryptoExtras": ["Salesforce"], "ArgumentParser": ["sluice"],
    ]

    @Test func `every import points to a lower layer`() throws {
        let ranks = Dictionary(
            uniqueKeysWithValues: Self.layers.enumerated().flatMap { rank, names in names.map { ($0, rank) } })
        for (target, imports) in try importsByTarget() {
            let rank = try #require(ranks[target], "\(target) is in no layer")
            for name in imports {
                if let other = ranks[name], other >= rank {
                    Issue.record("\(target) imports \(name), which is not below it")
                }
            }
        }
    }

    @Test func `each library has one owner`() throws {
        for (target, imports) in try importsByTarget() {
            for name in imports {
                if let owners = Self.owners[name], !owners.contains(target) {
                    Issue.record("\(target) imports \(name), which belongs to \(owners.sorted())")
                }
            }
        }
    }

    @Test func `no file has more than 400 lines`() throws {
        for (file, text) in try swiftFiles() {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).count
            #expect(lines <= 400, "\(file) has \(lines) lines: look for the second idea in it")
        }
    }

    private func importsByTarget() throws -> [String: Set<String>] {
        var result: [String: Set<String>] = [:]
        for (file, text) in try swiftFiles() {
            let target = String(file.split(separator: "/")[0])
            for line in text.split(separator: "\n") {
                let words = line.split(separator: " ")
                guard let index = words.firstIndex(of: "import"), index <= 1, words.count == index + 2,
                    index == 0 || ["internal", "package", "@testable", "@preconcurrency"].contains(words[0])
                else { continue }
                result[target, default: []].insert(String(words[index + 1]))
            }
            result[target, default: []].formUnion([])
        }
        return result
    }

    /// By path below Sources.
    private func swiftFiles() throws -> [String: String] {
        let sources = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined() + "/Sources"
        let paths = try FileManager.default.subpathsOfDirectory(atPath: sources).filter { $0.hasSuffix(".swift") }
        #expect(paths.count > 50)
        return try Dictionary(
            uniqueKeysWithValues: paths.map { ($0, try String(contentsOfFile: sources + "/" + $0, encoding: .utf8)) })
    }
}
