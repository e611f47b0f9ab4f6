import Events
import Testing

@testable import Relay

/// A flow has its own bound within that of its destination.
@Suite struct TargetConcurrencyTests {
    private static func flow(_ name: Character) -> DeliveryTarget { .flow(id: String(repeating: name, count: 24), redrive: nil) }

    /// Each in a lane of its own.
    private static func deliveries(_ numbers: Range<Int>, _ flow: Character) -> [Delivery] {
        numbers.map { Make.delivery($0, lane: "\(flow)\($0)", target: Self.flow(flow)) }
    }

    private static func isFor(_ flow: Character) -> @Sendable (Delivery) -> Bool { { $0.target == Self.flow(flow) } }

    @Test func `no flow has more than its share, and what waits for it is not blocked`() async throws {
        let sink = FakeSink()
        sink.close()
        let bench = try await Bench(sink: sink, concurrency: 8, targetConcurrency: 2)
        try await bench.outbox.accept(
            Make.batch(Self.deliveries(0..<10, "a") + Self.deliveries(10..<20, "b"), cursor: 20))
        try await bench.run("two of each flow") { sink.running == 4 }
        #expect(sink.attempts.map(\.lane).sorted() == ["a0", "a1", "b10", "b11"])
        let status = try #require(await bench.outbox.status().destinations.first)
        #expect(status.inFlight == 4 && status.blockedLanes == 0)
        sink.open()
        try await bench.run("all delivered") { sink.delivered.count == 20 }
        #expect(sink.mostAtOnce == 4)
    }

    @Test func `a flow that is allowed more gets it at once`() async throws {
        let sink = FakeSink()
        sink.close()
        let bench = try await Bench(sink: sink, concurrency: 8, targetConcurrency: 2)
        try await bench.outbox.accept(Make.batch(Self.deliveries(0..<10, "a"), cursor: 10))
        try await bench.run("two") { sink.running == 2 }
        await bench.outbox.setDestinations([
            DispatchDestination(name: "hook", sink: sink, concurrency: 8, targetConcurrency: 5)
        ])
        try await bench.run("five") { sink.running == 5 }
        sink.open()
        try await bench.run("all delivered") { sink.delivered.count == 10 }
    }

    @Test func `a slow flow whose deliveries fill the window does not hold up another one`() async throws {
        let sink = FakeSink()
        sink.close(Self.isFor("a"))
        var limits = DispatchLimits()
        limits.window = 8
        limits.leastWindow = 8
        let bench = try await Bench(sink: sink, concurrency: 4, targetConcurrency: 2, limits: limits)
        try await bench.outbox.accept(
            Make.batch(Self.deliveries(0..<40, "a") + Self.deliveries(40..<60, "b"), cursor: 60))
        try await bench.run("the other flow is done") { sink.delivered.count == 20 }
        #expect(Set(sink.delivered) == Set((40..<60).map { "sl_\($0)" }))
        #expect(sink.running == 2)
        sink.open()
        try await bench.run("all delivered") { sink.delivered.count == 60 }
        #expect(Set(sink.attempts.map(\.id)).count == sink.attempts.count, "each once")
    }
}
