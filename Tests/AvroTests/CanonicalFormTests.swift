import Testing

@testable import Avro

@Suite struct CanonicalFormTests {
    private static func platformEvent(_ name: String, _ fields: [(String, String)]) -> String {
        let own = fields.map { #"{"name":"\#($0.0)","type":["null","\#($0.1)"],"doc":"Data:Text:00Nxx","default":null}"# }
        let all = [
            #"{"name":"CreatedDate","type":"long","doc":"CreatedDate:DateTime"}"#,
            #"{"name":"CreatedById","type":"string","doc":"CreatedBy:EntityId"}"#,
        ]
        return #"{"name":"\#(name)","namespace":"com.sforce.eventbus","type":"record","fields":["#
            + (all + own).joined(separator: ",") + "]}"
    }

    @Test(arguments: [
        ("Order_Event__e", [("Order_Number__c", "string"), ("City__c", "string"), ("Amount__c", "double")],
            "_CADE3qaegX3ECEW0rlbYA"),
        ("CM_Test_Event_Two__e", [("Message__c", "string")], "K98aAtiNFBjA-PJlcvaQ2g"),
        ("Low_Ink__e",
            [("Printer_Model__c", "string"), ("Serial_Number__c", "string"), ("Ink_Percentage__c", "double")],
            "5E5OtZj5_Gm6Vax9XMXH9A"),
        ("Ping__e", [("Msg__c", "string")], "adpghws5C9NXyKVDBPDIfw"),
    ])
    func `fingerprints are the published schema IDs`(name: String, fields: [(String, String)], id: String) throws {
        #expect(try Schema(json: Self.platformEvent(name, fields)).fingerprint == id)
    }

    @Test(.enabled(if: !Vectors.areMissing, "the captured vectors are not present"))
    func `fingerprints of captured schemas are their IDs`() throws {
        for (id, json) in try Vectors().schemas { #expect(try Schema(json: json).fingerprint == id) }
    }

    @Test(arguments: [
        (#""int""#, #""int""#),
        (#"{"type":"string","logicalType":"uuid"}"#, #""string""#),
        (#"{"type":{"type":"string"}}"#, #""string""#),
        (#"["null",{"type":"array","items":"long","default":[]}]"#, #"["null",{"type":"array","items":"long"}]"#),
        (#"{"values":"bytes","type":"map"}"#, #"{"type":"map","values":"bytes"}"#),
        (#"{"type":"fixed","size":16,"name":"a.b.F","aliases":["X"]}"#, #"{"name":"a.b.F","type":"fixed","size":16}"#),
        (#"{"type":"error","name":"E","fields":[]}"#, #"{"name":"E","type":"record","fields":[]}"#),
        // The enum leaves the namespace, its sibling stays inside it.
        (#"{"type":"record","name":"R","namespace":"n","doc":"d","fields":[{"name":"e","type":{"type":"enum","name":"E","#
            + #""namespace":"","symbols":["A","B"]},"order":"ignore"},{"name":"f","type":{"type":"fixed","name":"F","#
            + #""size":0}},{"name":"g","type":"F"},{"name":"h","type":"E"},{"name":"r","type":["null","n.R"]}]}"#,
            #"{"name":"n.R","type":"record","fields":[{"name":"e","type":{"name":"E","type":"enum","symbols":["A","B"]}},"#
                + #"{"name":"f","type":{"name":"n.F","type":"fixed","size":0}},{"name":"g","type":"n.F"},"#
                + #"{"name":"h","type":"E"},{"name":"r","type":["null","n.R"]}]}"#),
        // A dotted name brings its own namespace, for the fields as well.
        (#"{"type":"record","name":"x.y.R","namespace":"n","fields":[{"name":"a","type":{"type":"record","name":"S","#
            + #""fields":[{"name":"r","type":["null","R"]}]}}]}"#,
            #"{"name":"x.y.R","type":"record","fields":[{"name":"a","type":{"name":"x.y.S","type":"record","fields":["#
                + #"{"name":"r","type":["null","x.y.R"]}]}}]}"#),
    ])
    func `keeps what identifies a schema and nothing else`(json: String, canonical: String) throws {
        #expect(try Schema(json: json).canonicalForm == canonical)
    }
}
