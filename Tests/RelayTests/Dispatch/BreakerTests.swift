import Events
import Store
import Synchronization
import Testing

@testable import Relay

/// The breaker of a destination, in the whole outbox.
@Suite struct BreakerTests {
    private func lanes(_ count: Int, from first: Int = 0) -> [Delivery] {
        (first..<first + count).map { Make.delivery($0, lane: "\($0)") }
    }

    @Test func `a storm of 5xx opens the breaker, which keeps everything and says when it tries next`() async throws {
        let clock = ManualClock()
        let sink = FakeSink { _, _ in clock.uptime < 60_000 ? .retry(.busy, after: nil) : .delivered(.ok) }
        let bench = try await Bench(clock: clock, sink: sink, concurrency: 8)
        try await bench.outbox.accept(Make.batch(lanes(500), cursor: 500))
        try await bench.run("open") { await bench.outbox.status().destinations[0].breaker.state == .open }
        let breaker = await bench.outbox.status().destinations[0].breaker
        #expect(breaker.reason.contains("internal error"))
        #expect(try #require(breaker.nextTry) > clock.wall && breaker.since != nil)
        try await bench.run("all delivered") { sink.delivered.count == 500 }
        #expect(sink.attempts.count < 500 + 16 + 8 + 12, "\(sink.attempts.count)")
        #expect(await bench.outbox.status().destinations[0].breaker == DispatchStatus.Breaker())
    }

    @Test func `when the breaker closes, lanes that waited for it do not wait out their own back-off`() async throws {
        let clock = ManualClock()
        let end = Mutex<Int64?>(nil)
        let sink = FakeSink { _, _ in
            guard clock.uptime >= 3_600_000 else { return .retry(.down, after: nil) }
            end.withLock { $0 = $0 ?? clock.uptime }
            return .delivered(.ok)
        }
        let bench = try await Bench(clock: clock, sink: sink, concurrency: 8)
        // So few that each of them is the probe many times, and has a long back-off of its own.
        try await bench.outbox.accept(Make.batch((0..<18).map { Make.delivery($0, lane: "\($0 % 6)") }, cursor: 18))
        try await bench.run("all delivered") { sink.delivered.count == 18 }
        let first = try #require(end.withLock { $0 })
        #expect(first <= 3_600_000 + 33_000)
        #expect(sink.attempts.count >= 18 + 3_600 / 35, "one probe for each hold")
        // Back-off alone would have spread them over up to five minutes.
        #expect(clock.uptime - first <= 1_100)
    }

    @Test func `what the receiver asked for is not cut short when the breaker closes`() async throws {
        let clock = ManualClock()
        let sink = FakeSink { delivery, number in
            if delivery.id == "sl_0", number == 1 { return .retry(.busy, after: .seconds(500)) }
            return clock.uptime < 20_000 ? .retry(.down, after: nil) : .delivered(.ok)
        }
        let bench = try await Bench(clock: clock, sink: sink, concurrency: 8)
        try await bench.outbox.accept(Make.batch(lanes(60), cursor: 60))
        try await bench.run("all delivered") { sink.delivered.count == 60 }
        #expect(sink.delivered.last == "sl_0")
        #expect(clock.uptime >= 500_000)
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `a receiver that fails at some of them is not held`(seed: UInt64) async throws {
        let random = Mutex(Jitter(seed: seed))
        let sink = FakeSink { _, _ in
            let fails = random.withLock { (random: inout Jitter) in Int.random(in: 0..<100, using: &random) < 35 }
            return fails ? .retry(.busy, after: nil) : .delivered(.ok)
        }
        let lines = LogLines()
        let bench = try await Bench(sink: sink, logger: lines.logger)
        try await bench.outbox.accept(Make.batch(lanes(400), cursor: 400))
        try await bench.run("all delivered") { sink.delivered.count == 400 }
        #expect(!lines.all.contains { $0.contains("is held") }, "\(lines.all)")
    }

    @Test func `records that always fail hold nobody but themselves`() async throws {
        let clock = ManualClock()
        let sink = FakeSink { delivery, _ in
            delivery.lane.hasPrefix("bad") ? .retry(.busy, after: nil) : .delivered(.ok)
        }
        let lines = LogLines()
        let bench = try await Bench(clock: clock, sink: sink, logger: lines.logger)
        try await bench.outbox.accept(Make.batch((0..<12).map { Make.delivery($0, lane: "bad\($0)") }, cursor: 12))
        // Nothing else comes for ten minutes, so that they are all the breaker sees.
        try await bench.run("ten minutes") { clock.uptime >= 600_000 }
        #expect(!lines.all.contains { $0.contains("is held") }, "\(lines.all)")
        let before = clock.uptime
        try await bench.outbox.accept(Make.batch(lanes(50, from: 100), cursor: 150))
        try await bench.run("the others") { sink.delivered.count == 50 }
        // A commit may have come due meanwhile; a hold would last for 30 s.
        #expect(clock.uptime - before < 1_000)
    }

    @Test func `a delivery that dies as the probe does not close the breaker`() async throws {
        let clock = ManualClock()
        let sink = FakeSink { _, _ in .retry(.down, after: nil) }
        let bench = try await Bench(clock: clock, sink: sink, concurrency: 4)
        let deliveries = (0..<30).map {
            Make.delivery($0, lane: "\($0)", retry: RetryLimits(horizonMilliseconds: 120_000))
        }
        try await bench.outbox.accept(Make.batch(deliveries, cursor: 30))
        try await bench.run("all are dead") { await bench.outbox.status().destinations[0].deadLetters == 30 }
        // At most one probe for each hold of about 30 s, after the first failures.
        let most = 16 + 4 + 10 + Int(clock.uptime) / 30_000
        #expect(sink.attempts.count <= most, "\(sink.attempts.count)")
    }

    @Test func `one dead and one slow destination leave the others their rate`() async throws {
        let alone = try await rate(with: [])
        let beside = try await rate(with: ["dead", "slow"])
        #expect(beside >= 0.95 * alone, "\(beside) instead of \(alone) deliveries per second")
    }

    /// Deliveries per second of simulated time at two healthy destinations.
    private func rate(with troubled: [String]) async throws -> Double {
        let clock = ManualClock()
        let scratch = Scratch()
        let store = try Store(path: scratch.store, wall: clock.wall)
        let outbox = Outbox(store: store, clock: clock.source, random: Jitter(seed: 1), logger: .quiet)
        let healthy = ["one", "two"].map { ($0, TimedSink(clock, milliseconds: 50)) }
        var sinks = Dictionary(uniqueKeysWithValues: healthy)
        sinks["dead"] = TimedSink(clock, milliseconds: 5) { .retry(.down, after: nil) }
        sinks["slow"] = TimedSink(clock, milliseconds: 10_000)
        let names = ["one", "two"] + troubled
        try await outbox.start(names.map { DispatchDestination(name: $0, sink: sinks[$0]!, concurrency: 8) })
        let total = 3_000
        let feeding = Task {
            for batch in 0..<total / 50 {
                let deliveries = (batch * 50..<batch * 50 + 50).flatMap { number in
                    names.map { name in
                        var delivery = Make.delivery(number, lane: "\(number % 500)", destination: name)
                        delivery.id = "sl_\(name)_\(number)"
                        return delivery
                    }
                }
                try await outbox.accept(Make.batch(deliveries, cursor: batch))
            }
        }
        try await clock.run("the healthy ones are done", busy: { await outbox.isBusy }) {
            healthy.allSatisfy { $0.1.count == total }
        }
        let seconds = Double(clock.uptime) / 1000
        try await feeding.value
        await outbox.abandon()
        try store.close()
        return Double(2 * total) / seconds
    }

    /// Takes its time.
    private final class TimedSink: Sink {
        private let clock: ManualClock
        private let milliseconds: Int64
        private let answer: @Sendable () -> AttemptOutcome
        private let done = Mutex(0)

        init(
            _ clock: ManualClock, milliseconds: Int64,
            answer: @escaping @Sendable () -> AttemptOutcome = { .delivered(.ok) }
        ) {
            self.clock = clock
            self.milliseconds = milliseconds
            self.answer = answer
        }

        var count: Int { done.withLock { $0 } }

        func attempt(_ delivery: Delivery, number: Int) async -> AttemptOutcome {
            try? await clock.sleep(untilUptime: clock.uptime + milliseconds)
            done.withLock { $0 += 1 }
            return answer()
        }
    }
}
