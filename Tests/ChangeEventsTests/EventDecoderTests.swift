import Avro
import Events
import Foundation
import Testing

@testable import ChangeEvents

@Suite struct EventDecoderTests {
    private let decoder = EventDecoder(org: Org(id: "00D", alias: "t", instanceURL: "", isSandbox: false))

    private func decode(_ payload: [UInt8], _ json: String, by other: EventDecoder? = nil) throws -> [Event] {
        let schema = try Schema(json: json)
        let event = ConsumerEvent(id: "e", schemaID: schema.fingerprint, replayID: ReplayID([1, 2])!, payload: payload)
        return try (other ?? decoder).decode(
            event, schema: EventSchema(json: json, id: schema.fingerprint), topic: "/t", receivedAt: 77)
    }

    @Test func `reads the header, bitmaps as names`() throws {
        let event = try decode(
            SampleChange(nulled: ["0x04"], diff: ["0x04"], changed: ["0x7E", "3-0x03"]).payload, SampleChange.schema)[0]
        #expect(event.kind == .change)
        #expect(event.entity == "Sample__c")
        #expect(event.time == 1_700_000_000_000)
        #expect(event.receivedAt == 77)
        #expect(event.recordID == "001000000000001AAA")
        #expect(event.change == "update")
        #expect(event.header == ChangeEventHeader(
            entityName: "Sample__c", recordIds: ["001000000000001AAA"], changeType: .update,
            changeOrigin: "com/salesforce/api/rest/66.0;client=x", transactionKey: "k1", sequenceNumber: 1,
            commitTimestamp: 1_700_000_000_000, commitNumber: 12_279_648_331_300, commitUser: "005000000000001AAA",
            nulledFields: ["Text__c"], diffFields: ["Text__c"],
            changedFields: [
                "Name", "Text__c", "Address__c", "Due__c", "Start__c", "Shift__c", "Address__c.Street", "Address__c.City",
            ]))
    }

    @Test func `a merged event becomes one event per record`() throws {
        let ids = (0..<20).map { "0010000000000\($0 + 10)AAA" }
        let events = try decode(SampleChange(recordIds: ids + ids, name: "N").payload, SampleChange.schema)
        #expect(events.map(\.recordID) == ids)
        #expect(events.allSatisfy { $0.record.value(at: ["Name"]) == .string("N") && $0.header?.recordIds.count == 40 })
        let sources = Set(events.compactMap { ($0.record as? EventRecord).map { ObjectIdentifier($0.source) } })
        #expect(sources.count == 1)
    }

    @Test(arguments: [["001*"], ["000000000000000AAA"], []])
    func `an ID that names no record gives an overflow that tells nothing`(ids: [String]) throws {
        let events = try decode(SampleChange(recordIds: ids, name: "N").payload, SampleChange.schema)
        #expect(events.map(\.recordID) == [""])
        #expect(events[0].change == "overflow")
        #expect(events[0].record.known() == [:])
    }

    @Test func `a change type from the future keeps its number`() throws {
        let event = try decode(SampleChange(changeType: 10, name: "N").payload, SampleChange.schema)[0]
        #expect(event.header?.changeType == .unknown("10"))
        #expect(event.record.known() == ["Name": .string("N")])
    }

    /// Whoever publishes fills it in, and Salesforce does not look at it.
    @Test(arguments: [Int64.min, .max, -1, 253_402_300_800_000])
    func `a publish time that cannot be is not taken`(time: Int64) throws {
        let json = #"{"type":"record","name":"Ping__e","namespace":"com.sforce.eventbus","fields":["#
            + #"{"name":"CreatedDate","type":"long","doc":"CreatedDate:DateTime"}]}"#
        let zigzag = UInt64(bitPattern: (time << 1) ^ (time >> 63))
        var bytes: [UInt8] = []
        var rest = zigzag
        repeat {
            bytes.append(UInt8(rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
            rest >>= 7
        } while rest > 0
        #expect(try decode(bytes, json)[0].time == 77)
    }

    @Test func `a platform event has nulls, a publish time and no header`() throws {
        let json = #"{"type":"record","name":"Ping__e","namespace":"com.sforce.eventbus","fields":["#
            + #"{"name":"CreatedDate","type":"long","doc":"CreatedDate:DateTime"},{"name":"CreatedById","type":"string"},"#
            + #"{"name":"Msg__c","type":["null","string"]}]}"#
        let payload = try #require(Hex.decode("80a0abfef9622430303530303030303030303030303141414102046869"))
        let event = try decode(payload, json)[0]
        #expect(event.schemaID == "adpghws5C9NXyKVDBPDIfw")
        #expect(event.kind == .platform)
        #expect(event.entity == "Ping__e")
        #expect(event.time == 1_700_000_000_000)
        #expect(event.header == nil)
        #expect(event.change == "")
        #expect(event.record.known() == [
            "CreatedDate": .timestamp(1_700_000_000_000), "CreatedById": .string("005000000000001AAA"),
            "Msg__c": .string("hi"),
        ])
        let empty = try decode(Array(payload.dropLast(4)) + [0], json)[0]
        #expect(empty.record.value(at: ["Msg__c"]) == .some(.null))
    }

    /// facts §10.3, S2.
    @Test func `the synthetic change event decodes as documented`() throws {
        let double = #"["null","double"]"#
        let json = SampleChange.schema.replacing("Sample__ChangeEvent", with: "Widget__ChangeEvent")
            .replacing(#""name":"ChangeType","namespace":"""#, with: #""name":"ChangeType""#)
        let head = json[..<json.range(of: #"{"name":"Name""#)!.lowerBound]
        let schema: String = String(head) + #"{"name":"Name","type":["null","string"]},{"name":"Qty__c","type":\#(double)},"#
            + #"{"name":"Due__c","type":["null","long"]},{"name":"Done__c","type":["null","boolean"]},"#
            + #"{"name":"Site__c","type":["null",{"type":"record","name":"Location","fields":["#
            + #"{"name":"Latitude","type":\#(double)},{"name":"Longitude","type":\#(double)}]}]},"#
            + #"{"name":"LastModifiedDate","type":["null","long"],"doc":"Data:DateTime"}]}"#
        let payload = try #require(Hex.decode(
            "125769646765745f5f630224613030303030303030303030303031414141000200046b310280a0ab"
                + "fef962542430303530303030303030303030303141414102083078303800000408307834430c352d"
                + "307830310000020000000000000440000002020000000000804940000280a0abfef962"))
        #expect(payload.count == 115)
        let event = try decode(payload, schema)[0]
        #expect(event.schemaID == "vYX-98iih4JPc2ayNq5TDw")
        #expect(event.entity == "Widget__c")
        #expect(event.header?.nulledFields == ["Due__c"])
        #expect(event.header?.changedFields == ["Qty__c", "Due__c", "LastModifiedDate", "Site__c.Latitude"])
        #expect(event.header?.commitNumber == 42)
        #expect(event.record.known() == [
            "Qty__c": .double(2.5), "Due__c": .null, "Site__c": .record(["Latitude": .double(51)]),
            "LastModifiedDate": .timestamp(1_700_000_000_000),
        ])
    }

    @Test func `payloads cut at every byte or with a bit flipped give events or an error`() throws {
        let schema = try EventSchema(Schema(json: SampleChange.schema), id: "s")
        let whole = SampleChange(nulled: ["0x04"], changed: ["0x7E", "3-0x03"], name: "N", address: ["S", nil], due: 1).payload
        for count in 0..<whole.count {
            let event = ConsumerEvent(id: "", schemaID: "s", replayID: ReplayID([1])!, payload: Array(whole[..<count]))
            #expect(throws: UndecodableEvent.self) {
                try decoder.decode(event, schema: schema, topic: "", receivedAt: 0)
            }
        }
        for bit in 0..<whole.count * 8 {
            var payload = whole
            payload[bit / 8] ^= 1 << UInt8(bit % 8)
            let event = ConsumerEvent(id: "", schemaID: "s", replayID: ReplayID([1])!, payload: payload)
            for event in (try? decoder.decode(event, schema: schema, topic: "", receivedAt: 0)) ?? [] {
                _ = event.record.known()
            }
        }
    }

    @Test func `an event takes nothing but equal text from the one before it`() throws {
        let one = SampleChange(nulled: ["0x04"], changed: ["0x7E"])
        let other = SampleChange(changed: ["0x02"])
        let fresh = try [one, other].map { sample in
            let decoder = EventDecoder(org: decoder.org)
            return try decode(sample.payload, SampleChange.schema, by: decoder)[0].header
        }
        for _ in 0..<2 {
            #expect(try decode(one.payload, SampleChange.schema)[0].header == fresh[0])
            #expect(throws: UndecodableEvent.self) {
                try decode(Array(other.payload.dropLast()), SampleChange.schema)
            }
            #expect(try decode(other.payload, SampleChange.schema)[0].header == fresh[1])
            // The same bitmap means other names in another schema.
            let renamed = SampleChange.schema.replacing(#""name":"Name""#, with: #""name":"Title""#)
            #expect(try decode(other.payload, renamed)[0].header?.changedFields == ["Title"])
        }
    }

    @Test func `too many records are refused, not multiplied`() throws {
        let ids = (0...EventDecoder.maximumRecords).map { "r\($0)" }
        #expect(throws: UndecodableEvent.self) {
            try decode(SampleChange(recordIds: ids).payload, SampleChange.schema)
        }
    }
}
