import Testing

@testable import Documents

@Suite struct CoreScalarTests {
    @Test(arguments: [
        ("no", CoreScalar.text), ("on", .text), ("12:30:45", .text), ("1_000", .text), ("2026-11-22", .text),
        ("true", .bool(true)), ("False", .bool(false)), ("null", .null), ("~", .null), ("", .null),
        ("12", .int(12)), ("-7", .int(-7)), ("+7", .int(7)), ("0x1F", .int(31)), ("0o17", .int(15)), ("017", .int(17)),
        ("1.5", .double(1.5)), ("1e3", .double(1000)), (".5", .double(0.5)), ("1.", .double(1)), (".", .text),
        ("1e", .text), ("-", .text), ("0x", .text), ("0b1", .text), ("1.5.2", .text), (".inf", .unusableNumber),
        ("-.INF", .unusableNumber), (".nan", .unusableNumber), ("9223372036854775807", .int(.max)),
        ("9223372036854775808", .unusableNumber), ("1e999", .unusableNumber), ("nan", .text), ("0x-1", .text),
        ("infinity", .text), ("1 2", .text), ("+.5", .double(0.5)),
    ])
    func `follows the core schema of YAML 1.2`(text: String, expected: CoreScalar) {
        #expect(CoreScalar(text) == expected)
    }
}

@Suite struct DurationTextTests {
    @Test(arguments: [
        ("10s", 10_000 as Int64?), ("5m", 300_000), ("24h", 86_400_000), ("7d", 604_800_000), ("1h30m", 5_400_000),
        ("1d12h5m1s", 129_901_000), ("0s", nil), ("", nil), ("10", nil), ("s", nil), ("30m1h", nil), ("5m5m", nil),
        ("-5s", nil), ("1.5h", nil), ("99999999999999999999d", nil), ("4000d", nil), ("10 s", nil), ("10ms", nil),
    ])
    func `reads sums of units, the larger first`(text: String, milliseconds: Int64?) {
        #expect(DurationText.milliseconds(text) == milliseconds)
    }

    @Test func `guesses what was meant`() {
        #expect(DurationText.guess("20 sec") == "20s")
        #expect(DurationText.guess("5 Minutes") == "5m")
        #expect(DurationText.guess("30") == "30s")
        #expect(DurationText.guess("soon") == nil)
    }
}

@Suite struct ScalarPositionsTests {
    /// The position of `X` as found through the value, and as it is in the file.
    private func places(_ yaml: String) throws -> (found: SourcePosition, real: SourcePosition) {
        let findings = FindingList()
        let root = try #require(YAMLReader(path: "a.yaml", findings: findings).read(Array(yaml.utf8)))
        let node = try #require(root["k"])
        let scalar = try #require(node.scalar)
        let offset = try #require(Array(scalar.text.unicodeScalars).firstIndex(of: "X"))
        let real = try #require(node.source.scalars.firstIndex(of: "X"))
        return (ScalarPositions(scalar, at: node.position, in: node.source)[offset], node.source.position(at: real))
    }

    @Test(arguments: [
        "k: aX", "k: a b\n  c X", "k: a\n\n\n  b\n  X", "k: 'a''b X'", "k: 'a\n\n  b ''X'",
        "k: \"a\\tb\\u00e4\\x41 X\"",
        "k: \"a \\\n   b X\"", "k: \"a\n  b\n\n  X\"", "k: |\n  a\n\n  bX\n", "k: |2\n    a\n  X\n",
        "k: |-\n\n\n  a\n    X\n",
        "k: >\n  a\n  b X\n", "k: >\n  a\n\n\n  b\n  X\n", "k: >-\n  a\n    more\n    X\n  b\n",
        "k: >\n  a\n    b\n\n  c\n  X\n",
        "k:\n  a\n  X", "k: \"😀 ä X\"", "k:   # comment\n  'X'",
        "k: |\r\n  a\r\n  X\r\n",
        "k: >\n    a\n     X\n",
    ])
    func `finds the real place in every style`(yaml: String) throws {
        let places = try places(yaml)
        #expect(places.found == places.real)
    }
}
