import Testing

@testable import Events

@Suite struct JSONReaderTests {
    @Test(arguments: [
        ("null", Value.null), ("true", .bool(true)), (" false ", .bool(false)), ("0", .int(0)), ("-12", .int(-12)),
        ("9223372036854775807", .int(.max)), ("-9223372036854775808", .int(.min)),
        ("9223372036854775808", .double(9.223372036854775808e18)), ("1.5e3", .double(1500)), ("0.0", .double(0)),
        ("\"\"", .string("")), (#""a\n\u00e9\ud83d\ude00\/""#, .string("a\né😀/")), ("[]", .list([])),
        ("[1, [2]]", .list([.int(1), .list([.int(2)])])), ("{}", .record([:])),
        (#"{"b":1,"a":{"c":null}}"#, .record(["b": .int(1), "a": .record(["c": .null])])),
    ])
    func `reads every kind of value`(text: String, expected: Value) throws {
        #expect(try JSONReader.parse(text) == expected)
    }

    @Test(arguments: [
        "", " ", "nul", "tru", "01", "-", "1.", ".5", "1e", "+1", "[1,]", "[,1]", "[1 2]", "[", "{", "{\"a\"}", "{\"a\":}",
        "{a:1}", "{\"a\":1,}", "{\"a\":1 \"b\":2}", "\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "\"\n\"",
        "1 2", "{\"a\":1,\"a\":2}", "1e999", "NaN", "\u{FEFF}1", "]", "}", "\"\\", "\"\\u00",
    ])
    func `refuses what is not JSON`(text: String) {
        #expect(throws: JSONError.self) { try JSONReader.parse(text) }
    }

    @Test func `refuses text that is not UTF-8`() {
        #expect(throws: JSONError.self) { try JSONReader.parse([0x22, 0xC0, 0xAF, 0x22]) }
        #expect(throws: JSONError.self) { try JSONReader.parse([0x22, 0x5C, 0x6E, 0xFF, 0x22]) }
    }

    @Test func `refuses more than 512 levels`() throws {
        func nested(_ levels: Int) -> String {
            String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        }
        _ = try JSONReader.parse(nested(512))
        #expect(throws: JSONError(reason: "more than 512 levels deep", offset: 512)) {
            try JSONReader.parse(nested(513))
        }
        #expect(throws: JSONError.self) { try JSONReader.parse(String(repeating: "[", count: 1_000_000)) }
    }

    @Test func `says where the fault is`() {
        #expect(throws: JSONError(reason: "expected ','", offset: 6)) { try JSONReader.parse("[1, 2 3]") }
    }

    @Test func `steps over a value and tells where it stood`() throws {
        var reader = JSONReader(Array(#"{"a": [1,{"b":"]"}] , "c":2}"#.utf8))
        #expect(try reader.nextKey(first: true) == "a")
        let range = try reader.skipValue()
        #expect(String(decoding: reader.bytes[range], as: UTF8.self) == #"[1,{"b":"]"}]"#)
        #expect(try reader.nextKey(first: false) == "c")
        #expect(try reader.value() == .int(2))
        #expect(try reader.nextKey(first: false) == nil)
        try reader.end()
    }
}
