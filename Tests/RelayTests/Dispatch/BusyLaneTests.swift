import Events
import Store
import Testing

@testable import Relay

/// A lane that has much more to send than others goes at its own pace, and they at theirs.
@Suite struct BusyLaneTests {
    @Test func `a record that changes all the time does not hold up the others`() async throws {
        let sink = FakeSink()
        sink.close { $0.lane == "hot" }
        var limits = DispatchLimits()
        limits.window = 8
        limits.leastWindow = 8
        let bench = try await Bench(sink: sink, concurrency: 4, limits: limits)
        let hot = (0..<60).map { Make.delivery($0, lane: "hot") }
        let others = (60..<100).map { Make.delivery($0, lane: "other\($0)") }
        try await bench.outbox.accept(Make.batch(hot + others, cursor: 100))
        try await bench.run("the others are done") { sink.delivered.count == 40 }
        #expect(Set(sink.delivered) == Set(others.map(\.id)))
        #expect(sink.running == 1)
        sink.open()
        try await bench.run("all delivered") { sink.delivered.count == 100 }
        let ids = Set(hot.map(\.id))
        #expect(sink.delivered.filter(ids.contains) == hot.map(\.id), "in order, each once")
    }

    @Test func `a wait that was written by a clock far ahead is no longer than was meant`() {
        var progress = DeliveryProgress()
        let (ahead, wait): (Int64, Int64) = (5 * 3_600_000, 30_000)
        progress.append(
            AttemptRecord(number: 1, at: ahead, status: 503, reason: "no", excerpt: "", possibleDuplicate: false),
            startedAt: ahead, held: false)
        progress.nextAttemptAt = ahead + wait
        let stored = StoredDelivery(seq: 1, delivery: Make.delivery(1), progress: progress)
        let entry = OutboxEntry(stored, now: Moment(uptime: 0, wall: 0), longest: 86_400_000)
        #expect(entry.due == wait)
    }
}
