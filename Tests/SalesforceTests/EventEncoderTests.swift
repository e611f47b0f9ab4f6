import Avro
import Events
import PubSub
import Testing

@testable import Salesforce

@Suite struct EventEncoderTests {
    private static let ping = """
        {"type":"record","name":"Ping__e","namespace":"com.sforce.eventbus","fields":[
        {"name":"CreatedDate","type":"long","doc":"CreatedDate:DateTime"},{"name":"CreatedById","type":"string"},
        {"name":"Msg__c","type":["null","string"],"default":null}]}
        """

    private static let order = """
        {"type":"record","name":"Order__e","fields":[
        {"name":"Due__c","type":["null","long"],"doc":"Data:DateOnly"},{"name":"At__c","type":["null","long"],"doc":"Data:DateTime"},
        {"name":"Time__c","type":["null","long"],"doc":"Data:TimeOnly"},{"name":"Amount__c","type":["null","double"],"doc":"Data:Double"},
        {"name":"Count__c","type":["null","int"],"doc":"Data:Integer"},{"name":"Ok__c","type":["null","boolean"]},
        {"name":"Tags","type":{"type":"array","items":"string"}}]}
        """

    @Test func `a known event has known bytes`() throws {
        let payload = try EventEncoder(schemaJSON: Self.ping).payload([
            "Msg__c": .string("hi"), "CreatedById": .string("005000000000001AAA"),
            "CreatedDate": .int(1_700_000_000_000),
        ])
        #expect(Hex.encode(payload) == "80a0abfef9622430303530303030303030303030303141414102046869")
    }

    @Test func `texts of dates and times become what the field's type asks for`() throws {
        let encoder = try EventEncoder(schemaJSON: Self.order)
        let payload = try encoder.payload([
            "Due__c": .string("2026-01-31"), "At__c": .string("2026-01-31T12:00:00.000+0000"),
            "Time__c": .string("08:30:00.000"), "Amount__c": .int(3), "Count__c": .int(-7), "Ok__c": .bool(true),
            "Tags": .list([.string("a"), .string("b")]),
        ])
        guard case .record(let decoded) = try AvroDecoder(try Schema(json: Self.order)).value(payload) else {
            Issue.record("it is no record")
            return
        }
        #expect(
            decoded["Due__c"] == .int(1_769_817_600_000) && decoded["At__c"] == .int(1_769_860_800_000)
                && decoded["Time__c"] == .int(30_600_000) && decoded["Amount__c"] == .double(3)
                && decoded["Count__c"] == .int(-7) && decoded["Ok__c"] == .bool(true)
                && decoded["Tags"] == .list([.string("a"), .string("b")]))
    }

    @Test(arguments: [
        (#"{"msg__c":"x"}"#, "Ping__e has no field msg__c; did you mean Msg__c?"),
        (#"{"CreatedDate":1,"CreatedById":"u","Msg__c":5}"#, "the field Msg__c cannot be a number"),
        (#"{"CreatedById":"u"}"#, "the field CreatedDate cannot be no value"),
    ])
    func `what does not fit is named`(json: String, expected: String) throws {
        guard case .record(let fields) = try JSONReader.parse(json) else { preconditionFailure("a test's own text") }
        #expect { try EventEncoder(schemaJSON: Self.ping).payload(fields) } throws: { "\($0)" == expected }
    }

    @Test func `requests are cut by count and by size`() {
        let small = Array(repeating: ProducerEvent(id: "", schemaID: "s", payload: [1]), count: 450)
        #expect(Publisher.batch(of: small[...]).count == 200)
        let large = Array(
            repeating: ProducerEvent(id: "", schemaID: "s", payload: .init(repeating: 0, count: 1 << 20)), count: 5)
        #expect(Publisher.batch(of: large[...]).count == 2)
        let huge = [ProducerEvent(id: "", schemaID: "s", payload: .init(repeating: 0, count: 4 << 20))]
        #expect(Publisher.batch(of: huge[...]).count == 1)
    }
}
