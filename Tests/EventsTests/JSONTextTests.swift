import Testing

@testable import Events

@Suite struct JSONTextTests {
    private func text(_ value: Value) -> String? {
        var json = JSONText()
        return json.value(value) ? json.string : nil
    }

    @Test(arguments: [
        (Value.int(.min), "-9223372036854775808"), (.int(.max), "9223372036854775807"), (.int(0), "0"),
        (.double(120_000), "120000"), (.double(-0.0), "-0.0"), (.double(0.1), "0.1"), (.double(1e300), "1e+300"),
        (.double(9_007_199_254_740_992), "9007199254740992.0"), (.double(.leastNonzeroMagnitude), "5e-324"), (.bytes([0xFB, 0xFF]), #""+/8=""#),
        (.timestamp(0), #""1970-01-01T00:00:00Z""#), (.list([]), "[]"), (.record([:]), "{}"),
        (.record(["a": .null, "b": .list([.bool(true), .bool(false)])]), #"{"a":null,"b":[true,false]}"#),
    ])
    func `writes every kind of value`(value: Value, expected: String) {
        #expect(text(value) == expected)
    }

    @Test func `escapes what JSON requires and nothing else`() {
        #expect(text(.string("\"\\/\n\r\t\u{8}\u{C}\u{0}\u{1F}é😀\u{7F}\u{2028}"))
            == #""\"\\/\n\r\t\b\f\u0000\u001fé😀"# + "\u{7F}\u{2028}\"")
    }

    @Test func `refuses numbers that JSON cannot say`() {
        #expect(text(.double(.nan)) == nil)
        #expect(text(.list([.int(1), .record(["x": .double(.infinity)])])) == nil)
    }

    @Test func `what it writes reads back the same`() throws {
        var scalars = String.UnicodeScalarView()
        for code in 0..<0x3000 { if let scalar = Unicode.Scalar(code) { scalars.append(scalar) } }
        let value = Value.record(["text": .string(String(scalars)), "n": .int(-7), "d": .double(1.25)])
        #expect(try JSONReader.parse(#require(text(value))) == value)
    }
}
