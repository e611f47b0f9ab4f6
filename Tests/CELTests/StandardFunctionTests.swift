import CEL
import Testing

/// What the public suite does not cover.
@Suite struct StandardFunctionTests {
    @Test(arguments: [
        "[3, 1, 2].sort() == [1, 2, 3]", "['b', 'a'].sort() == ['a', 'b']", "[].sort() == []",
        "[1, 2, 1, 3.5, 3.5, 'a', 'a'].distinct() == [1, 2, 3.5, 'a']", "[1, 2, 3].slice(1, 3) == [2, 3]",
        "[1, 2].first().value() == 1", "[1, 2].last().value() == 2", "![].first().hasValue()",
        "math.sqrt(9.0) == 3.0", "math.round(2.5) == 3.0", "math.trunc(-1.5) == -1.0",
    ])
    func `lists and numbers`(source: String) { #expect(holds(source), "\(source)") }

    @Test(arguments: [
        "'e\\u0301' != '\\u00e9'", "size('e\\u0301') == 2", "'\\U0001F1E9\\U0001F1EA'.size() == 2",
        "'\\r\\n'.size() == 2", "!('e\\u0301' in ['\\u00e9'])", "!('e\\u0301' in {'\\u00e9': 1})",
        "'e\\u0301'.charAt(0) == 'e'", "'a\\u0301'.startsWith('a')", "'Z' < 'a' && 'a' < '\\u00e9'",
        "'\\uffff' < '\\U00010000'",
    ])
    func `text is compared by Unicode scalars, without normalisation`(source: String) {
        #expect(holds(source), "\(source)")
    }

    @Test(arguments: [
        (1.0, "1"), (120_000, "120000"), (120_000.5, "120000.5"), (-0.0045, "-0.0045"), (1e21, "1e+21"),
        (1e20, "100000000000000000000"), (1.5e-7, "1.5e-07"), (0.0001, "0.0001"), (0, "0"), (-0.0, "-0"),
        (Double.infinity, "Infinity"), (1.7976931348623157e308, "1.7976931348623157e+308"),
        (123_456_789.125, "123456789.125"), (0.1, "0.1"), (9_007_199_254_740_992, "9007199254740992"),
        (Double.leastNonzeroMagnitude, "5e-324"),
    ])
    func `doubles are written with the fewest digits`(number: Double, text: String) {
        #expect(doubleText(number) == text)
        #expect(Double(doubleText(number)) == number)
    }

    @Test(arguments: [
        "duration('1h30m').getMinutes() == 90", "duration('1.5h') == duration('90m')",
        "duration('-1.5s') < duration('0')",
        "string(duration('1500ms')) == '1.5s'", "duration('0.1m') == duration('6s')",
        "string(duration('-1ns')) == '-0.000000001s'",
        "timestamp('2024-02-29T00:00:00+02:00') == timestamp('2024-02-28T22:00:00Z')",
        "timestamp('2024-12-31T23:59:59Z').getDayOfYear() == 365",
        "timestamp('0001-01-01T00:00:00Z').getFullYear() == 1",
        "timestamp('1969-12-31T23:59:59.5Z').getSeconds() == 59",
    ])
    func `durations and times`(source: String) { #expect(holds(source), "\(source)") }

    @Test(arguments: ["", "5", "s", "1x", "1h1", "--1s", "1..5s", "9999999999999h", ".s", "1 s"])
    func `texts that are no durations`(text: String) { #expect(CELDuration(text) == nil) }

    @Test(arguments: [
        "2023-02-29T00:00:00Z", "2023-13-01T00:00:00Z", "2023-01-01", "2023-01-01T24:00:00Z", "2023-01-01T00:00:00",
        "2023-01-01T00:00:00+0000", "2023-01-01T00:00:00.Z", "x", "", "9999-12-31T23:59:59-00:01",
    ])
    func `texts that are no times`(text: String) { #expect(CELTimestamp(text) == nil) }

    @Test(arguments: [
        "0001-01-01T00:00:00Z", "0099-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.5Z", "1970-01-01T00:00:00Z",
        "2000-02-29T01:02:03.000000001Z", "2026-11-29T12:34:56.12Z", "2026-11-29T12:34:56.1Z", "9999-12-31T23:59:59.999Z",
    ])
    func `a time's text has the fraction digits that it needs, and no more`(text: String) throws {
        #expect(try #require(CELTimestamp(text)).text == text)
    }

    @Test(arguments: [
        ("2026-01-15T12:00:00Z", "Europe/Berlin", 13), ("2026-07-15T12:00:00Z", "Europe/Berlin", 14),
        ("2026-03-29T00:59:59Z", "Europe/Berlin", 1), ("2026-03-29T01:00:00Z", "Europe/Berlin", 3),
        // Beyond the database's list of changes its rule holds.
        ("2090-01-15T12:00:00Z", "Europe/Berlin", 13), ("2090-07-15T12:00:00Z", "Europe/Berlin", 14),
        ("2090-01-15T12:00:00Z", "Australia/Sydney", 23), ("2090-07-15T12:00:00Z", "Australia/Sydney", 22),
        ("2090-07-15T12:00:00Z", "Asia/Kolkata", 17), ("1900-01-01T12:00:00Z", "Asia/Tokyo", 21),
        ("2026-07-15T12:00:00Z", "-02:30", 9),
    ])
    func `hours in a zone`(time: String, zone: String, hour: Int64) throws {
        let value = try evaluate("timestamp(t).getHours(z)", ["t": .string(time), "z": .string(zone)])
        #expect(value.equals(.int(hour)))
    }

    @Test(arguments: ["", "Nowhere/Here", "../../etc/passwd", "/etc/passwd", "Europe", "Europe/", "UTC\u{0}", "+25:00"])
    func `zones that are none are faults`(zone: String) {
        let error = failure("timestamp(0).getHours(z)", ["z": .string(zone)])
        #expect(error?.kind == .badArgument)
    }

    @Test func `base64 refuses what is not base64`() {
        #expect(holds("base64.decode('') == b'' && base64.encode(b'a') == 'YQ==' && base64.decode('YQ') == b'a'"))
        for text in ["a", "YQ=", "Y Q=", "====", "YQ==YQ=="] {
            #expect(failure("base64.decode(t)", ["t": .string(text)])?.kind == .badArgument, "\(text)")
        }
    }
}
