import Avro
import Testing

@testable import ChangeEvents

@Suite struct SchemaDiffTests {
    private func schema(_ fields: String) throws -> EventSchema {
        let json = #"{"type":"record","name":"Order__e","namespace":"com.sforce.eventbus","fields":[\#(fields)]}"#
        let schema = try Schema(json: json)
        return try EventSchema(schema, id: schema.fingerprint)
    }

    private func field(_ name: String, _ type: String, _ doc: String) -> String {
        #"{"name":"\#(name)","type":["null","\#(type)"],"doc":"\#(doc)","default":null}"#
    }

    @Test func `tells fields that came, went, changed their type or were renamed`() throws {
        let old = try schema(
            [
                field("A__c", "string", "Data:Text:00N000000000001"), field("B__c", "string", "Data:Text:00N000000000002"),
                field("C__c", "double", "Data:Double:00N000000000003"), field("D__c", "string", "Data:Text:00N000000000004"),
            ].joined(separator: ","))
        let new = try schema(
            [
                field("A__c", "string", "Data:Text:00N000000000001"), field("Bee__c", "string", "Data:Text:00N000000000002"),
                field("C__c", "string", "Data:Text:00N000000000003"), field("E__c", "long", "Data:DateTime:00N000000000005"),
            ].joined(separator: ","))
        let diff = SchemaDiff(from: old, to: new)
        #expect(diff.added == ["E__c"] && diff.removed == ["D__c"])
        #expect(diff.renamed == [SchemaDiff.Renamed(old: "B__c", new: "Bee__c")])
        #expect(diff.retyped == [SchemaDiff.Retyped(name: "C__c", old: "Data:Double", new: "Data:Text")])
        #expect(diff.affected == ["D__c", "B__c", "C__c"])
        #expect(
            diff.summary
                == "added E__c; removed D__c; B__c is named Bee__c now; C__c is Data:Text and was Data:Double")
    }

    @Test func `the same fields are no difference`() throws {
        let fields = field("A__c", "string", "Data:Text:00N000000000001")
        #expect(try SchemaDiff(from: schema(fields), to: schema(fields)).isEmpty)
    }
}
