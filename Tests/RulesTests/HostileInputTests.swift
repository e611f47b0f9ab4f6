import Foundation
import Testing

@testable import Documents
@testable import Rules

/// Files that nobody would write: bounded time, bounded memory, an answer.
@Suite struct HostileInputTests {
    private func check(_ text: String) -> LintReport {
        Lint.check([RuleSource(path: "a.yaml", bytes: Array(text.utf8))])
    }

    @Test func `answers deep nesting with one finding`() {
        let texts = [
            String(repeating: "[", count: 500_000), String(repeating: "- ", count: 500_000),
            String(repeating: "{a: ", count: 250_000), String(repeating: "? ", count: 500_000),
            "sluice: " + String(repeating: "[", count: 90) + String(repeating: "]", count: 90),
            (0..<300).map { String(repeating: " ", count: $0) + "a:\n" }.joined(),
            "a: \"" + String(repeating: "[", count: 500) + "\"\nb: " + String(repeating: "[", count: 90),
        ]
        for (number, text) in texts.enumerated() {
            let structural: Set<FindingCode> = [.unknownKey, .missingKey, .wrongType]
            let codes = check(text).findings.map(\.code)
            #expect(!codes.isEmpty && codes.filter { !structural.contains($0) }.count <= 1, "text \(number): \(codes)")
        }
    }

    @Test func `refuses an alias bomb before it is built`() {
        var text = "a0: &a0 [x]\n"
        for level in 1...30 {
            text += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ","))]\n"
        }
        #expect(check(text + "? *a30\n: 1\n").findings.map(\.code) == [.yamlAlias])
    }

    @Test func `bears a line of a mebibyte, many keys and an unclosed expression`() {
        #expect(check("a: " + String(repeating: "x", count: 1_000_000)).findings.count == 2)
        let keys = (0..<10_000).map { "k\($0): 1\n" }.joined()
        #expect(check(keys).findings.count == FindingList.limitPerFile)
        let unclosed = String(repeating: "${", count: 100_000)
        let report = check(
            "sluice: 1\ndestinations: {h: {kind: webhook, url: 'https://x.example'}}\nrules:\n"
                + "  - {id: a, match: {event: A__e}, to: {destination: h, body: \"\(unclosed)\"}}\n")
        #expect(report.findings.map(\.code) == [.nestedTemplate])
    }

    @Test func `answers every mutation of a good file, and loads none with an error`() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SplitMix(state: seed)
        let originals = try ["clean", "not-supported", "never-true", "example-gaps", "example-opportunity-won"].map {
            Array(try Data(contentsOf: URL(filePath: "\(CorpusTests.folder)/\($0).yaml")))
        }
        for round in 0..<1000 {
            var bytes = originals[Int(random.next() % UInt64(originals.count))]
            for _ in 0...Int(random.next() % 4) { Self.mutate(&bytes, &random) }
            let report = Lint.check([RuleSource(path: "a.yaml", bytes: bytes)])
            #expect((report.ruleSet == nil) == (report.errorCount > 0), "seed \(seed), round \(round)")
            if let ruleSet = report.ruleSet {
                _ = ruleSet.route(Fixture.change(.update, changed: ["Phone"], ["Phone": .null]))
                _ = ruleSet.route(Fixture.change(.gapOverflow, id: ""))
            }
        }
    }

    private static let snippets = [
        "${", "}", "'", "\"", "|", ">", ": ", "- ", "#", "&a ", "*a ", "!t ", "\t", "\n", "\n  ", "{", "[", "]", ",",
        "? ", "%", "@", "`", "\\", "\u{0}", "\u{85}", "\u{2028}", "é", "😀", "---\n", "...\n", "when: ", "record.",
        ".?", "null", "\r\n", "<<: ",
    ]

    private static func mutate(_ bytes: inout [UInt8], _ random: inout SplitMix) {
        guard !bytes.isEmpty else { return }
        let place = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 6 {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.remove(at: place)
        case 2, 3: bytes.insert(contentsOf: snippets[Int(random.next() % UInt64(snippets.count))].utf8, at: place)
        case 4: bytes.removeSubrange(place..<min(bytes.count, place + Int(random.next() % 40)))
        default:
            let length = min(Int(random.next() % 60), bytes.count - place)
            let other = Int(random.next() % UInt64(bytes.count))
            bytes.insert(contentsOf: bytes[place..<(place + length)], at: other)
        }
    }
}

/// Steele, Lea and Flood's SplitMix64: reproducible from its seed.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
