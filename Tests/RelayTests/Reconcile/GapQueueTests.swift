import Events
import Rules
import Store
import Testing

@testable import Relay

@Suite struct GapQueueTests {
    @Test func `what was read releases the events before a newer gap event, which is read on its own`() {
        var queue = GapQueue()
        let held = (1...3).map(Self.waiting)
        for waiting in held { queue.hold(waiting, isArriving: false) }
        let key = GapQueue.Key(held[0].event)
        _ = queue.beginRead(key)
        queue.release(key, first: 2)
        #expect(queue.eventCount == 1 && queue.byteCount == held[2].row.payload.count)
        #expect(queue.records[key]?.events.map(\.event.time) == [30_000] && queue.records[key]?.reads == 0)
        #expect(queue.next == 35_500, "as if it had just come")
        queue.release(key, first: 1)
        #expect(queue.isEmpty && queue.byteCount == 0)
    }

    @Test func `what comes again after its batch was given up is held once`() {
        var queue = GapQueue()
        let held = (1...3).map(Self.waiting)
        let key = GapQueue.Key(held[0].event)
        for waiting in held { queue.hold(waiting) }
        // The cursor was moved before they were the outbox's; the stream brings them again.
        for waiting in held { queue.hold(waiting) }
        #expect(queue.eventCount == 3 && queue.byteCount == held.map(\.row.payload.count).reduce(0, +))
        #expect(queue.records[key]?.events.map(\.event.time) == [10_000, 20_000, 30_000])
        queue.arrived([key])
        #expect(queue.next != nil)
    }

    private static func waiting(_ number: Int) -> GapQueue.Waiting {
        let id = "001000000001001AAA"
        let event = Event(
            id: "e\(number)", kind: .change, entity: "Account", topic: Make.key.topic, replayID: Make.replayID(number),
            schemaID: "s", time: Int64(number) * 10_000, receivedAt: Int64(number) * 10_000, header: nil, recordID: id,
            record: KnownFields([:]), org: IngestBench.org)
        return GapQueue.Waiting(
            event: event,
            row: HeldEvent(
                key: HeldEvent.Key(
                    org: "prod", topic: event.topic, replayID: event.replayID, recordID: id),
                orgID: event.org.id, entity: event.entity, schemaID: "s", eventID: event.id,
                payload: [UInt8](repeating: 0, count: number), receivedAt: event.receivedAt))
    }
}
