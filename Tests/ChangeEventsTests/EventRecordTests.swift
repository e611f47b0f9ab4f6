import Avro
import Events
import Testing

@testable import ChangeEvents

/// The three states: absent (nil), null, value.
@Suite struct EventRecordTests {
    private static let schema = try! EventSchema(Schema(json: SampleChange.schema), id: "test")

    private func record(_ change: SampleChange) throws -> EventRecord {
        let decoder = EventDecoder(org: Org(id: "00D", alias: "t", instanceURL: "", isSandbox: false))
        let event = ConsumerEvent(id: "e", schemaID: "test", replayID: ReplayID([1])!, payload: change.payload)
        let events = try decoder.decode(event, schema: Self.schema, topic: "/data/ChangeEvents", receivedAt: 0)
        return try #require(events[0].record as? EventRecord)
    }

    @Test func `update: value, set to null, and unchanged`() throws {
        let record = try record(
            SampleChange(nulled: ["0x04"], changed: ["0x26"], name: "N", start: 1_700_000_000_000))
        #expect(record.known() == ["Name": .string("N"), "Text__c": .null, "Start__c": .timestamp(1_700_000_000_000)])
        #expect(record.value(at: ["Name"]) == .string("N"))
        #expect(record.value(at: ["Text__c"]) == .some(.null))
        #expect(record.value(at: ["Due__c"]) == nil)
        #expect(record.value(at: ["Address__c"]) == nil)
        #expect(record.value(at: ["Address__c", "City"]) == nil)
    }

    @Test func `update: an enriched field is a value though it did not change`() throws {
        #expect(try record(SampleChange(changed: ["0x10"], name: "N", due: 0)).value(at: ["Name"]) == .string("N"))
    }

    @Test func `update: changed without a value and without being nulled is withheld, so absent`() throws {
        #expect(try record(SampleChange(changed: ["0x02"])).known() == [:])
    }

    @Test func `update: a component that changed leaves its neighbours absent`() throws {
        let record = try record(SampleChange(changed: ["3-0x02"], address: [nil, "Bonn"]))
        #expect(record.known() == ["Address__c": .record(["City": .string("Bonn")])])
        #expect(record.value(at: ["Address__c", "City"]) == .string("Bonn"))
        #expect(record.value(at: ["Address__c", "Street"]) == nil)
        #expect(record.value(at: ["Address__c", "Planet"]) == nil)
    }

    @Test func `update: a component set to null is null beside another's value`() throws {
        let record = try record(SampleChange(nulled: ["3-0x01"], changed: ["3-0x03"], address: [nil, "Bonn"]))
        #expect(record.known() == ["Address__c": .record(["Street": .null, "City": .string("Bonn")])])
    }

    @Test func `update: a component set to null is null though its compound has no value`() throws {
        let record = try record(SampleChange(nulled: ["3-0x01"], changed: ["3-0x01"]))
        #expect(record.known() == ["Address__c": .record(["Street": .null])])
        #expect(record.value(at: ["Address__c", "Street"]) == .some(.null))
        #expect(record.value(at: ["Address__c", "City"]) == nil)
    }

    @Test func `update: a compound set to null is null, and so are its components`() throws {
        let record = try record(SampleChange(nulled: ["0x08"]))
        #expect(record.value(at: ["Address__c"]) == .some(.null))
        #expect(record.value(at: ["Address__c", "City"]) == .some(.null))
    }

    @Test(arguments: [0, 3])
    func `create and undelete: everything without a value is null`(type: Int64) throws {
        let record = try record(SampleChange(changeType: type, name: "N", address: ["S", nil]))
        #expect(record.known() == [
            "Name": .string("N"), "Text__c": .null, "Address__c": .record(["Street": .string("S"), "City": .null]),
            "Due__c": .null, "Start__c": .null, "Shift__c": .null,
        ])
        #expect(record.value(at: ["ChangeEventHeader"]) == nil)
        #expect(record.value(at: ["Unknown__c"]) == nil)
        #expect(record.value(at: []) == nil)
    }

    @Test func `delete: enriched values, nothing else`() throws {
        let record = try record(SampleChange(changeType: 2, nulled: ["0x04"], name: "N", address: ["S", nil]))
        #expect(record.known() == ["Name": .string("N"), "Address__c": .record(["Street": .string("S")])])
        #expect(record.value(at: ["Text__c"]) == nil)
    }

    @Test(arguments: [4, 5, 6, 7, 8])
    func `gaps and overflow tell nothing`(type: Int64) throws {
        let record = try record(SampleChange(changeType: type, nulled: ["0x04"], name: "N"))
        #expect(record.known() == [:])
        #expect(record.value(at: ["Name"]) == nil)
        #expect(record.value(at: ["Text__c"]) == nil)
    }

    @Test(arguments: [0, 1])
    func `a diff is never the value`(type: Int64) throws {
        let diff = "--- \n+++ 0123\n@@ -1 +1 @@\n-a\n+b\n"
        let record = try record(SampleChange(changeType: type, diff: ["0x04"], changed: ["0x04"], text: diff))
        #expect(record.value(at: ["Text__c"]) == nil)
        #expect(record.known()["Text__c"] == nil)
        #expect(record.diff(of: "Text__c") == diff)
        #expect(record.diff(of: "Name") == nil)
    }

    @Test func `longs are typed by their doc`() throws {
        let record = try record(SampleChange(changeType: 0, due: 1_709_164_800_000, start: -1, shift: 45_296_789))
        #expect(record.value(at: ["Due__c"]) == .string("2024-02-29"))
        #expect(record.value(at: ["Start__c"]) == .timestamp(-1))
        #expect(record.value(at: ["Shift__c"]) == .string("12:34:56.789"))
    }
}
