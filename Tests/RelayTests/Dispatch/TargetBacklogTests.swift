import Events
import Synchronization
import Testing

@testable import Relay

/// A flow that stands has more records waiting than lanes are known: the other flows of its destination go on.
@Suite struct TargetBacklogTests {
    private static func flow(_ name: Character) -> DeliveryTarget { .flow(id: String(repeating: name, count: 24), redrive: nil) }

    /// Four for each record.
    private static func deliveries(_ numbers: Range<Int>, _ name: Character) -> [Delivery] {
        numbers.map { number in
            Make.delivery(number, lane: "\(String(repeating: name, count: 6))/\(number / 4)", target: Self.flow(name))
        }
    }

    private static func isFor(_ flow: Character) -> @Sendable (Delivery) -> Bool { { $0.target == Self.flow(flow) } }

    /// Lanes for 20 records, of which a flow that stands may have about half.
    private static var limits: DispatchLimits {
        var limits = OutboxStoreTests.tight
        limits.lanes = 20
        limits.unwritten = 10_000
        return limits
    }

    /// 400 of each flow, in turns.
    private static func mixed() -> [Delivery] {
        (0..<100).flatMap { turn in
            let start = turn * 8
            return Self.deliveries(start..<start + 4, "a") + Self.deliveries(start + 4..<start + 8, "b")
        }
    }

    private func expectOrder(_ sink: FakeSink, _ all: [Delivery]) {
        let delivered = sink.delivered
        #expect(delivered.count == all.count, "each once")
        let lanes = Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0.lane) })
        let found = Dictionary(grouping: delivered) { lanes[$0]! }
        let meant = Dictionary(grouping: all.map(\.id)) { lanes[$0]! }
        #expect(found == meant, "in the order of each record")
    }

    @Test func `a held flow with more records than lanes are known leaves room for the others`() async throws {
        let isMended = Mutex(false)
        let sink = FakeSink { delivery, _ in
            Self.isFor("a")(delivery) && !isMended.withLock { $0 }
                ? .hold(.down, scope: .target, for: .seconds(600)) : .delivered(.ok)
        }
        let bench = try await Bench(sink: sink, concurrency: 4, limits: Self.limits)
        let all = Self.mixed()
        for start in stride(from: 0, to: all.count, by: 40) {
            try await bench.outbox.accept(Make.batch(Array(all[start..<start + 40]), cursor: start + 40))
        }
        try await bench.run("the other flow is done") { sink.delivered.count == 400 }
        #expect(Set(sink.delivered) == Set(all.filter(Self.isFor("b")).map(\.id)))
        #expect(sink.attempts.filter { $0.lane.hasPrefix("a") }.count < 60, "the first ones, and probes")
        isMended.withLock { $0 = true }
        try await bench.run("all delivered") { try! await bench.rows().isEmpty }
        try await bench.run("nothing waits") { await bench.outbox.status().destinations[0].pending == 0 }
        expectOrder(sink, all)
    }

    @Test func `what waits for a held flow goes on after a start`() async throws {
        let isMended = Mutex(false)
        let sink = FakeSink { delivery, _ in
            Self.isFor("a")(delivery) && !isMended.withLock { $0 }
                ? .hold(.down, scope: .target, for: .seconds(600)) : .delivered(.ok)
        }
        let scratch = Scratch()
        let all = Self.mixed()
        do {
            let bench = try await Bench(scratch: scratch, sink: sink, concurrency: 4, limits: Self.limits)
            try await bench.outbox.accept(Make.batch(all, cursor: all.count))
            try await bench.run("the other flow is done") { sink.delivered.count == 400 }
            await bench.outbox.flush()
            try await bench.crash()
        }
        let bench = try await Bench(scratch: scratch, sink: sink, concurrency: 4, limits: Self.limits)
        let more = Self.deliveries(800..<900, "b") + Self.deliveries(900..<1_000, "a")
        try await bench.outbox.accept(Make.batch(more, cursor: 1_000))
        try await bench.run("the other flow is done again") { sink.delivered.count == 500 }
        isMended.withLock { $0 = true }
        try await bench.run("all delivered") { try! await bench.rows().isEmpty }
        expectOrder(sink, all + more)
    }

    @Test func `a flow that is busy for long leaves room for the others`() async throws {
        let sink = FakeSink()
        sink.close(Self.isFor("a"))
        let bench = try await Bench(sink: sink, concurrency: 4, targetConcurrency: 2, limits: Self.limits)
        let all = Self.mixed()
        try await bench.outbox.accept(Make.batch(all, cursor: all.count))
        try await bench.run("the other flow is done") { sink.delivered.count == 400 }
        #expect(sink.running == 2)
        sink.open()
        try await bench.run("all delivered") { try! await bench.rows().isEmpty }
        expectOrder(sink, all)
    }
}
