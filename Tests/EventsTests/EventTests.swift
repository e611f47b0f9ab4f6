import Testing

@testable import Events

@Suite struct EventTests {
    private static let hour: Int64 = 3_600_000
    private static let received: Int64 = 1_760_000_000_000

    @Test(arguments: [
        (0, true), (-72 * hour, true), (-74 * hour, false), (hour / 2, true), (2 * hour, false),
        // Seconds in place of milliseconds.
        (1_760_000_000 - received, false),
    ])
    func `a platform event's own time says where the stream is as far as that can be`(after: Int64, isBelieved: Bool) {
        let time = Self.received + after
        let event = Event(
            id: "e", kind: .platform, entity: "Order_Ready__e", topic: "/event/Order_Ready__e",
            replayID: ReplayID([1])!, schemaID: "s", time: time, receivedAt: Self.received, header: nil, recordID: "",
            record: KnownFields(Fields()), org: Org(id: "00D", alias: "prod", instanceURL: "https://x", isSandbox: false))
        #expect(event.streamTime == (isBelieved ? time : Self.received))
        #expect(event.time == time)
    }
}
