import Testing

@testable import Avro

@Suite struct SchemaTests {
    @Test(arguments: [
        ("", "the schema is not valid JSON at byte 0: unexpected end"),
        ("{", "the schema is not valid JSON at byte 1: unexpected end"),
        ("12", "a type is a name, an array or an object"),
        (#""strin""#, #"unknown type "strin""#),
        ("{}", #"the key "type" is missing"#),
        (#"{"type":"record","name":"R"}"#, #"the key "fields" is missing"#),
        (#"{"type":"record","fields":[]}"#, #"the key "name" is missing"#),
        (#"{"type":"record","name":"1R","fields":[]}"#, #""1R" is not a valid name"#),
        (#"{"type":"record","name":"a..R","fields":[]}"#, #""a..R" is not a valid name"#),
        (#"{"type":"record","name":"string","fields":[]}"#, #"a type must not be named "string""#),
        (#"{"type":"record","name":"R","fields":[1]}"#, "a field is not an object"),
        (#"{"type":"record","name":"R","fields":[{"name":"a"}]}"#, #"the key "type" is missing"#),
        (#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}"#,
            "the field a stands twice"),
        (#"[{"type":"fixed","name":"F","size":1},{"type":"fixed","name":"F","size":1}]"#, "the type F is declared twice"),
        (#"{"type":"fixed","name":"F","size":-1}"#, #""size" is not a whole number between 0 and 1073741824"#),
        (#"{"type":"enum","name":"E","symbols":["A","A"]}"#, "the symbol A stands twice"),
        (#"{"type":"enum","name":"E","symbols":["a-b"]}"#, "a symbol of E is not a valid name"),
        (#"["null",["int"]]"#, "a union directly inside a union"),
        (#"{"type":"array"}"#, #"the key "items" is missing"#),
    ])
    func `says what is wrong`(json: String, reason: String) {
        let error = #expect(throws: AvroSchemaError.self) { try Schema(json: json) }
        #expect(error?.reason == reason)
    }

    @Test func `says where it is wrong`() {
        let json = #"{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":{"type":"array","items":"#
            + #"{"type":"record","name":"S","fields":[{"name":"b","type":"what"}]}}}]}"#
        let error = #expect(throws: AvroSchemaError.self) { try Schema(json: json) }
        #expect(error?.description == #"invalid Avro schema at n.R.a.items.b: unknown type "what""#)
    }

    @Test func `refuses types nested without end`() {
        for levels in [101, 2000, 200_000] {
            let json = String(repeating: #"{"type":"array","items":"#, count: levels) + #""int""#
                + String(repeating: "}", count: levels)
            #expect(throws: AvroSchemaError.self) { try Schema(json: json) }
        }
    }

    @Test func `every damaged schema gives an error or a schema`() {
        let json = Array(
            #"{"type":"record","name":"R","fields":[{"name":"a","type":["null",{"type":"enum","name":"E","symbols":["A"]}]}]}"#
                .utf8)
        for index in json.indices {
            _ = try? Schema(json: json[..<index])
            for bit in 0..<8 {
                var damaged = json
                damaged[index] ^= 1 << UInt8(bit)
                if let schema = try? Schema(json: damaged) { #expect(schema.fingerprint.count == 22) }
            }
        }
    }

    @Test func `keeps the doc of a field`() throws {
        let schema = try Schema(
            json: #"{"type":"record","name":"R","fields":[{"name":"a","type":"long","doc":"Data:DateTime"}]}"#)
        #expect(schema.rootRecord?.fields.first?.doc == "Data:DateTime")
        #expect(schema.rootRecord?.name == "R")
    }
}
