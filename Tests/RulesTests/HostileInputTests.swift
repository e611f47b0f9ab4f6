import CEL
import Events
import Foundation
import Testing

@testable import Documents
@testable import Rules

/// Files that nobody would write: bounded time, bounded memory, an answer.
@Suite struct HostileInputTests {
    private func check(_ text: String) -> LintReport {
        Lint.check([RuleSource(path: "a.yaml", bytes: Array(text.utf8))])
    }

    private static let head = """
        sluice: 1
        destinations: {h: {kind: webhook, url: 'https://x.example'}}
        rules:
          - id: a
            match: {event: A__e}
            to: {destination: h, body: 1}

        """

    @Test(arguments: [
        String(repeating: "[", count: 500_000), String(repeating: "- ", count: 500_000),
        String(repeating: "{a: ", count: 250_000), String(repeating: "? ", count: 500_000),
        "sluice: " + String(repeating: "[", count: 90) + String(repeating: "]", count: 90),
        (0..<300).map { String(repeating: " ", count: $0) + "a:\n" }.joined(),
        "a: \"" + String(repeating: "[", count: 500) + "\"\nb: " + String(repeating: "[", count: 90),
    ])
    func `answers deep nesting with one finding`(text: String) {
        let codes = check(text).findings.map(\.code)
        #expect(codes.count == 1, "\(codes)")
    }

    @Test func `refuses an alias bomb before it is built`() {
        var text = "a0: &a0 [x]\n"
        for level in 1...30 {
            text += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ","))]\n"
        }
        #expect(check(text + "? *a30\n: 1\n").findings.map(\.code) == [.yamlAlias])
    }

    @Test func `bears a line of a mebibyte, wherever it stands`() {
        let long = String(repeating: "x", count: 1_000_000)
        #expect(check("a: " + long).findings.map(\.code) == [.missingKey])
        #expect(check(Self.head + "    when: " + long).findings.map(\.code) == [.tooLong])
        #expect(check(Self.head + "    when: record.A == '" + long + "'").findings.map(\.code) == [.tooLong])
        #expect(check(Self.head + "    description: " + long).findings.isEmpty)
        #expect(check(Self.head + "    " + long + ": 1").findings.map(\.code) == [.yaml])
    }

    @Test func `many expressions in one value, and many repeated keys, take their time once`() {
        let start = Self.processorSeconds()
        let pieces = Self.head.replacing("{event: A__e}", with: "{entity: A, change: update}")
            .replacing("body: 1", with: "body: \"\(String(repeating: "${1}", count: 20_000))\"")
        #expect(check(pieces).findings.isEmpty)
        let block = "\n" + String(repeating: "        k: 1\n", count: 30_000)
        let flow = " {\(String(repeating: "k: 1, ", count: 30_000))k: 1}\n"
        for body in [block, flow] {
            let text = "sluice: 1\nrules:\n  - id: a\n    to:\n      body:" + body
            #expect(check(text).findings.map(\.code) == Array(repeating: .duplicateKey, count: 21))
        }
        // Unoptimised, and with each looking at all others it was minutes.
        #expect(Self.processorSeconds() - start < 10)
    }

    @Test func `ten thousand keys are one finding`() {
        let keys = "sluice: 1\nvars:\n" + (0..<10_000).map { "  k\($0): 1\n" }.joined()
        #expect(check(keys).findings.map(\.code) == [.tooLong])
        let labels = (0..<10_000).map { "k\($0): 1" }.joined(separator: ", ")
        #expect(check(Self.head + "    labels: {\(labels)}\n").findings.map(\.code) == [.tooLong])
    }

    @Test(arguments: [
        (String(repeating: "${", count: 100_000), FindingCode.syntax), ("${", .syntax), ("${'", .syntax),
        ("${ ${record.A} }", .nestedTemplate), ("${record.A", .syntax), ("${{'a': 1}", .syntax),
    ])
    func `answers an unclosed or nested expression with one finding`(body: String, code: FindingCode) {
        let text = Self.head.replacing("body: 1", with: "body: \"\(body)\"")
        #expect(check(text).findings.map(\.code) == [code])
    }

    @Test func `a catastrophic pattern is harmless and one that is too large is refused`() {
        func findings(_ pattern: String) -> [FindingCode] {
            check(Self.head + "    when: record.A.matches('\(pattern)')\n").findings.map(\.code)
        }
        #expect(findings("(a+)+$") == [])
        #expect(findings("((a{0,1000}){0,1000}){0,1000}") == [.regex])
        #expect(findings(String(repeating: "(x*)*", count: 200)) == [.regex])
        #expect(findings("(a)\\\\1") == [.regexUnsupported])
    }

    /// `x24` holds 2 to the 24 elements, in 25 lists.
    private static func shared(_ leaf: String, _ result: String) -> String {
        (1...24).reduce("cel.bind(x0, \(leaf), ") { $0 + "cel.bind(x\($1), [x\($1 - 1), x\($1 - 1)], " } + result
            + String(repeating: ")", count: 25)
    }

    @Test(arguments: ["json(x24)", "sha256(x24)", "sha256([x24])"])
    func `work that fails is paid for, so that absorbing the failure is no way around the limit`(call: String) {
        for leaf in ["1", "[optional.none()]"] {
            let expression = Self.shared(leaf, "[1, 2, 3].exists(i, \(call) == '')")
            let failure = #expect(throws: ExpressionTrial.Failure.self) {
                try ExpressionTrial(expression).evaluate(bindings: Fields())
            }
            #expect(failure?.code == "cost-limit")
        }
    }

    @Test func `what JSON leaves out counts as well`() {
        let absent = CELValue.list(Array(repeating: .optional(nil), count: 1 << 20))
        var json = CELJSON()
        #expect(throws: CELJSON.Failure.self) { try json.append(.list([absent, absent])) }
        #expect(json.work >= 1 << 20 && json.text.bytes.count < 100)
    }

    @Test(arguments: ["merge({'a': 1}, 1)", "merge(record, 1)", "pick(record, 1)", "drop(record, [1])"])
    func `functions on maps are paid for by their members`(call: String) {
        let fields = Fields((0..<600).map { Fields.Field(name: "F\($0)", value: .int(1)) })
        let event = Fixture.change(.update, changed: [], fields)
        let many = "[\(Array(repeating: "1", count: 200).joined(separator: ", "))]"
        let failure = #expect(throws: ExpressionTrial.Failure.self) {
            try ExpressionTrial("\(many).exists(i, \(call) == {})").evaluate(on: event, now: Fixture.time)
        }
        #expect(failure?.code == (call.contains("record") ? "cost-limit" : "no-such-overload"))
    }

    @Test func `NUL bytes and text that is not UTF-8 are one finding`() {
        #expect(check(Self.head + "    when: \u{0}").findings.map(\.code) == [.yamlEncoding])
        let bytes = Array(Self.head.utf8) + [0xC3, 0x28, 0xFF]
        #expect(Lint.check([RuleSource(path: "a.yaml", bytes: bytes)]).findings.map(\.code) == [.yamlEncoding])
    }

    @Test func `answers every mutation of a good file soon, and loads exactly what it accepts`() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("rule files: 1000 mutations, seed \(seed)")
        var random = SplitMix(state: seed)
        let originals = try CorpusTests.names.filter { $0 == "clean" || $0.hasPrefix("example-") }.map {
            Array(try Data(contentsOf: URL(filePath: "\(CorpusTests.folder)/\($0).yaml")))
        }
        var accepted = 0
        var slowest = 0.0
        for round in 0..<1000 {
            var bytes = originals[Int(random.next() % UInt64(originals.count))]
            for _ in 0...Int(random.next() % 4) { Self.mutate(&bytes, &random) }
            let start = Self.processorSeconds()
            let report = Lint.check([RuleSource(path: "a.yaml", bytes: bytes)])
            slowest = max(slowest, Self.processorSeconds() - start)
            #expect((report.ruleSet == nil) == (report.errorCount > 0), "seed \(seed), round \(round)")
            if report.ruleSet != nil { accepted += 1 }
        }
        #expect(accepted > 0 && accepted < 1000)
        // Of this thread, so that a busy machine does not count; this build is not optimised.
        #expect(slowest < 0.1, "seed \(seed)")
    }

    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static let snippets = [
        "${", "}", "'", "\"", "|", ">", ": ", "- ", "#", "&a ", "*a ", "!t ", "\t", "\n", "\n  ", "{", "[", "]", ",",
        "? ", "%", "@", "`", "\\", "\u{0}", "\u{85}", "\u{2028}", "é", "😀", "---\n", "...\n", "when: ", "record.",
        ".?", "null", "\r\n", "<<: ", " = ", " and ", "!", "(", ")", "==", "&&", "has(", "changed(", ".orDefault(",
        "1.5", "[0]", "?",
        "let.", "matches('(')",
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
