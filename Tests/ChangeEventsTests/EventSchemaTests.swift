import Avro
import Testing

@testable import ChangeEvents

@Suite struct EventSchemaTests {
    @Test func `refuses a text that is another schema than the one asked for`() throws {
        let actual = try Schema(json: SampleChange.schema).fingerprint
        _ = try EventSchema(json: SampleChange.schema, id: actual)
        #expect(throws: EventSchemaError(id: "AAAA", reason: .fingerprint(actual: actual))) {
            try EventSchema(json: SampleChange.schema, id: "AAAA")
        }
    }

    @Test func `refuses what is no schema or no record`() {
        #expect(throws: EventSchemaError.self) { try EventSchema(json: "{", id: "x") }
        #expect(throws: EventSchemaError(id: "4d2aHvmLRRtTaQNws5OWaw", reason: .notARecord)) {
            try EventSchema(json: "\"long\"", id: "4d2aHvmLRRtTaQNws5OWaw")
        }
    }

    @Test func `a compound that many fields name does not make a table as large as their product`() throws {
        let children = (0..<300).map { #"{"name":"c\#($0)","type":"string"}"# }.joined(separator: ",")
        let compound = #"{"type":"record","name":"A","fields":[\#(children)]}"#
        let fields = (0..<300).map { #"{"name":"f\#($0)","type":\#($0 == 0 ? compound : "\"A\"")}"# }
        let json = #"{"type":"record","name":"E","fields":[\#(fields.joined(separator: ","))]}"#
        let id = try Schema(json: json).fingerprint
        #expect(throws: EventSchemaError(id: id, reason: .tooManyFields)) { try EventSchema(json: json, id: id) }
    }

    @Test(arguments: [
        (#"{"name":"entityName","type":"string"},"#, "", "entityName"),
        (#""name":"commitNumber","type":"long""#, #""name":"commitNumber","type":"string""#, "commitNumber"),
        (#"{"name":"changedFields","type":{"type":"array","items":"string"}}"#,
            #"{"name":"changedFields","type":{"type":"array","items":"int"}}"#, "changedFields"),
    ])
    func `refuses a header that it could only misread`(from: String, to: String, field: String) throws {
        let json = SampleChange.schema.replacing(from, with: to)
        let schema = try Schema(json: json)
        #expect(throws: EventSchemaError(id: "x", reason: .header(field: field))) { try EventSchema(schema, id: "x") }
    }

    @Test func `finds the parts of the header in any order`() throws {
        let json = SampleChange.schema
            .replacing(#"{"name":"changeOrigin","type":"string"},{"name":"transactionKey","type":"string"},"#,
                with: #"{"name":"transactionKey","type":"string"},{"name":"news","type":["null","long"]},{"name":"changeOrigin","type":"string"},"#)
        let schema = try EventSchema(Schema(json: json), id: "x")
        #expect(schema.isChangeEvent)
        #expect(schema.name == "Sample__ChangeEvent")
        let parts = try #require(schema.header).members.map(\.part)
        #expect(parts[3...5] == [.transactionKey, nil, .changeOrigin])
    }
}
