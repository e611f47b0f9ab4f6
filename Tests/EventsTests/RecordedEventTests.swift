import Events
import Testing

@Suite struct RecordedEventTests {
    @Test func `reads back every kind of value as it was`() throws {
        let header = ChangeEventHeader(
            entityName: "Account", recordIds: ["001000000000001AAA"], changeType: .gapUpdate, changeOrigin: "c",
            transactionKey: "t", sequenceNumber: 2, commitTimestamp: 1_500, commitNumber: 9_007_199_254_740_993,
            commitUser: "005000000000001AAA", nulledFields: ["Phone"], diffFields: [], changedFields: ["Name"])
        let fields: Fields = [
            "Name": .string("Zoë"), "Phone": .null, "Whole": .double(2), "Part": .double(2.5), "Count": .int(-3),
            "On": .bool(true), "At": .timestamp(1_795_316_430_123), "Raw": .bytes([1, 2, 255]),
            "Address": .record(["City": .string("Ghent"), "Latitude": .double(51)]),
        ]
        var event = Event(
            id: "e", kind: .change, entity: "Account", topic: "/data/ChangeEvents", replayID: ReplayID([1, 2])!,
            schemaID: "s", time: 1_500, receivedAt: 1_501, header: header, recordID: "001000000000001AAA",
            record: KnownFields(fields),
            org: Org(id: "00D", alias: "prod", instanceURL: "https://x", isSandbox: true))
        event.replay = "r"
        event.fetched = true
        let read = try RecordedEvent(json: RecordedEvent(event, change: "update").json)
        #expect(read.change == "update")
        #expect(read.event.record.known() == fields)
        #expect(read.event.header == header)
        #expect(read.event.org == event.org && read.event.replay == "r" && read.event.fetched)
        #expect(read.event.time == 1_500 && read.event.receivedAt == 1_501 && read.event.replayID == event.replayID)
    }

    @Test(arguments: ["", "[]", "{}", #"{"id": 1}"#, #"{"id":"a","replayId":"!"}"#])
    func `says what is wrong with anything else`(_ text: String) {
        #expect(throws: RecordedEventError.self) { try RecordedEvent(json: Array(text.utf8)) }
    }

    @Test(arguments: [
        ("2026-11-22T03:00:30Z", 1_795_316_430_000 as Int64?), ("2026-11-22T03:00:30.5Z", 1_795_316_430_500),
        ("2026-11-22T04:00:30.000+0100", 1_795_316_430_000), ("2026-11-22T03:00Z", 1_795_316_400_000),
        ("2026-02-29T00:00:00Z", nil), ("1969-12-31T23:59:59.999Z", -1), ("2026-11-22", nil), ("x", nil),
    ]) func `reads times`(_ text: String, _ expected: Int64?) {
        #expect(Timestamp.milliseconds(rfc3339: text) == expected)
    }
}
