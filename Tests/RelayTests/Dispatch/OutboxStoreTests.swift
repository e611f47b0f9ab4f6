import Events
import Store
import Synchronization
import Testing

@testable import Relay

/// The outbox where the store fails, memory is short, or the process stops.
@Suite struct OutboxStoreTests {
    /// Small enough that everything spills.
    static var tight: DispatchLimits {
        var limits = DispatchLimits()
        limits.window = 12
        limits.lanes = 40
        limits.blockedLane = 2
        limits.laneReads = 3
        limits.laneRows = 8
        limits.pageRows = 5
        limits.commitCount = 10
        limits.unwritten = 20
        limits.claims = 8
        return limits
    }

    @Test func `accept waits while too much is unwritten, and goes on after the commit`() async throws {
        let sink = FakeSink()
        sink.close()
        var limits = DispatchLimits()
        limits.unwritten = 100
        limits.commitCount = 1_000
        let bench = try await Bench(sink: sink, limits: limits)
        let isBack = Mutex(false)
        let accepting = Task {
            try await bench.outbox.accept(Make.batch((1...100).map { Make.delivery($0) }, cursor: 100))
            isBack.withLock { $0 = true }
        }
        while await !bench.outbox.status().isBackedUp { await Task.yield() }
        #expect(!isBack.withLock { $0 })
        await bench.outbox.flush()
        try await accepting.value
        #expect(await bench.outbox.status().unwritten == 0)
        #expect(try await bench.rows().count == 100)
    }

    @Test func `accept waits while the store holds too many bytes, and until some are gone`() async throws {
        let sink = FakeSink()
        sink.close()
        var limits = DispatchLimits()
        limits.storedBytes = 40_000
        let bench = try await Bench(sink: sink, limits: limits)
        try await bench.outbox.accept(Make.batch((1...100).map { Make.delivery($0, lane: "\($0)") }, cursor: 100))
        await bench.outbox.flush()
        #expect(await bench.outbox.status().storedBytes > 40_000)
        #expect(!bench.outbox.room.exists)
        let accepting = Task { try await bench.outbox.accept(Make.batch([Make.delivery(101)], cursor: 101)) }
        while await !bench.outbox.status().isBackedUp { await Task.yield() }
        sink.open()
        try await bench.run("room again") { await !bench.outbox.status().isBackedUp }
        try await accepting.value
        try await bench.run("all delivered") { try! await bench.rows().isEmpty }
        #expect(await bench.outbox.status().storedBytes == 0)
        #expect(bench.outbox.room.exists)
    }

    @Test func `deliveries of events that are fetched again while they wait count once`() async throws {
        let sink = FakeSink()
        sink.close()
        var limits = Self.tight
        limits.unwritten = 1_000
        let bench = try await Bench(sink: sink, limits: limits)
        let batch = Make.batch((1...30).map { Make.delivery($0, lane: "\($0 % 5)") }, cursor: 30)
        for _ in 1...3 {
            try await bench.outbox.accept(batch)
            await bench.outbox.flush()
            let status = await bench.outbox.status()
            #expect(status.destinations[0].pending == 30 && status.stored == 30)
        }
        sink.open()
        try await bench.run("all delivered") { try! await bench.rows().isEmpty }
        try await bench.run("nothing waits") { await bench.outbox.status().destinations[0].pending == 0 }
        let status = await bench.outbox.status()
        #expect(status.stored == 0 && status.storedBytes == 0)
    }

    @Test func `what is fetched again while its row waits is sent once`() async throws {
        let sink = FakeSink()
        sink.close()
        let bench = try await Bench(sink: sink)
        let batch = Make.batch((1...10).map { Make.delivery($0, lane: "\($0 % 5)") }, cursor: 10)
        for _ in 1...3 {
            try await bench.outbox.accept(batch)
            await bench.outbox.flush()
        }
        try await bench.outbox.accept(Make.batch([Make.delivery(11, lane: "1")], cursor: 11))
        sink.open()
        try await bench.run("all delivered") { sink.delivered.contains("sl_11") }
        try await bench.run("nothing waits") { await bench.outbox.status().destinations[0].pending == 0 }
        await bench.outbox.flush()
        #expect(sink.delivered.sorted() == (1...11).map { "sl_\($0)" }.sorted())
        #expect(try await bench.rows().isEmpty)
    }

    @Test func `what rules send elsewhere by now goes there, though its row waits where they sent it before`() async throws {
        let sink = FakeSink { delivery, _ in
            delivery.destination == "hook" ? .hold(.down, scope: .destination, for: .seconds(3_600)) : .delivered(.ok)
        }
        let bench = try await Bench(sink: sink, names: ["hook", "erp"])
        try await bench.outbox.accept(Make.batch([Make.delivery(1)], cursor: 1))
        await bench.outbox.flush()
        try await bench.outbox.accept(Make.batch([Make.delivery(1, destination: "erp")], cursor: 1))
        await bench.outbox.flush()
        try await bench.run("delivered") { sink.delivered == ["sl_1"] }
        await bench.outbox.flush()
        #expect(try await bench.rows() == ["sl_1"])
    }

    @Test func `a waiting accept ends when its task is cancelled, and its batch stays`() async throws {
        let sink = FakeSink()
        sink.close()
        var limits = DispatchLimits()
        limits.unwritten = 1
        let bench = try await Bench(sink: sink, limits: limits)
        let accepting = Task { try await bench.outbox.accept(Make.batch([Make.delivery(1)], cursor: 1)) }
        while await !bench.outbox.status().isBackedUp { await Task.yield() }
        accepting.cancel()
        await #expect(throws: CancellationError.self) { try await accepting.value }
        await bench.outbox.flush()
        #expect(try await bench.rows() == ["sl_1"])
    }

    @Test func `a full disk holds accept back, says so once, and ends by itself`() async throws {
        let sink = FakeSink()
        sink.close()
        let lines = LogLines()
        var storeLimits = StoreLimits()
        storeLimits.maximumPages = 70
        let scratch = Scratch()
        let bench = try await Bench(
            scratch: scratch, sink: sink, storeLimits: storeLimits, logger: lines.logger)
        let count = 600
        let accepting = Task {
            for number in 1...count {
                if number == 20 { await bench.outbox.flush() }
                let raw = [UInt8](repeating: 7, count: 300)
                try await bench.outbox.accept(
                    Make.batch([Make.delivery(number, lane: "\(number)")], cursor: number, raw: raw))
            }
        }
        try await bench.run("the disk is full, and stays so for a while") {
            await (bench.outbox.failure?.tries ?? 0) > 3
        }
        #expect(await bench.outbox.status().storeFailure?.contains("disk full (SQLite 13)") == true)
        let errors = lines.all.filter { $0.hasPrefix("error") }
        #expect(errors.count == 1 && errors[0].contains("Free space"), "\(errors)")
        let before = try #require(try await bench.storedCursor())
        #expect(before < count)
        // Whoever only wants to read what is newest is not kept waiting.
        await bench.outbox.flushIfPossible()
        // Room again; the receiver answers, too.
        try await bench.store.setMaximumPages(100_000)
        sink.open()
        try await bench.run("all delivered and stored") {
            guard await bench.outbox.failure == nil else { return false }
            return try! await bench.storedCursor() == count
        }
        try await accepting.value
        try await bench.run("all acknowledged") { try! await bench.rows().isEmpty }
        #expect(Set(sink.delivered).count == count)
        #expect(lines.all.contains { $0.contains("works again") }, "\(lines.all)")
    }

    @Test func `deliveries beyond the window are read from the store, in order, in bounded memory`() async throws {
        let sink = FakeSink()
        sink.close()
        let bench = try await Bench(sink: sink, limits: Self.tight)
        let total = 500
        for number in 0..<total / 5 {
            let deliveries = (0..<5).map { Make.delivery(number * 5 + $0, lane: "\((number * 5 + $0) % 7)") }
            try await bench.outbox.accept(Make.batch(deliveries, cursor: number))
        }
        await bench.outbox.flush()
        #expect(await bench.outbox.windowCount("hook") <= 12)
        sink.open()
        var most = 0
        try await bench.run("all delivered") {
            most = max(most, await bench.outbox.windowCount("hook"))
            return sink.delivered.count == total
        }
        #expect(most <= 12 + 5 + 3 * 8)
        for lane in 0..<7 {
            let order = sink.delivered.compactMap { Int($0.dropFirst(3)) }.filter { $0 % 7 == lane }
            #expect(order == order.sorted() && order.count == (total - lane + 6) / 7)
        }
    }

    @Test func `lanes that all wait do not stall the others, however many they are`() async throws {
        let clock = ManualClock()
        let sink = FakeSink { delivery, _ in
            delivery.lane.hasPrefix("bad") && clock.uptime < 5_000_000
                ? .retry(.busy, after: .seconds(1_000)) : .delivered(.ok)
        }
        let bench = try await Bench(clock: clock, sink: sink, limits: Self.tight)
        // Twice as many bad lanes as the window holds, three deliveries each, and the good one behind them.
        var deliveries = (0..<72).map { Make.delivery($0, lane: "bad\($0 % 24)") }
        deliveries += (72..<172).map { Make.delivery($0, lane: "good") }
        let accepting = Task {
            for delivery in deliveries {
                try await bench.outbox.accept(Make.batch([delivery], cursor: Int(delivery.id.dropFirst(3))!))
            }
        }
        try await bench.run("the good lane is done") { sink.delivered.count >= 100 }
        #expect(clock.uptime < 1_000_000)
        #expect(sink.delivered == (72..<172).map { "sl_\($0)" })
        try await accepting.value
        try await bench.run("the bad ones too") { sink.delivered.count == 172 }
        for lane in 0..<24 {
            let order = sink.delivered.compactMap { Int($0.dropFirst(3)) }.filter { $0 < 72 && $0 % 24 == lane }
            #expect(order == [lane, lane + 24, lane + 48])
        }
    }

    @Test func `attempts are counted across a restart, and a waiting delivery waits on`() async throws {
        let scratch = Scratch()
        let clock = ManualClock()
        let failing = FakeSink { _, _ in .retry(.busy, after: .seconds(100)) }
        let first = try await Bench(scratch: scratch, clock: clock, sink: failing)
        try await first.outbox.accept(Make.batch([Make.delivery(1), Make.delivery(2)], cursor: 2))
        try await first.run("two attempts") { await first.outbox.status().destinations[0].failedAttempts == 2 }
        await first.outbox.flush()
        try await first.crash()

        let restarted = clock.uptime
        let second = try await Bench(scratch: scratch, clock: clock)
        try await second.run("both delivered") { second.sink.delivered.count == 2 }
        #expect(second.sink.attempts.map(\.number) == [3, 1])
        #expect(clock.uptime - restarted >= 99_000)
    }

    @Test func `a clock set back while it was off does not make a delivery wait for ever`() async throws {
        let scratch = Scratch()
        let clock = ManualClock()
        let first = try await Bench(
            scratch: scratch, clock: clock, sink: FakeSink { _, _ in .retry(.busy, after: .seconds(100)) })
        try await first.outbox.accept(Make.batch([Make.delivery(1)], cursor: 1))
        try await first.run("an attempt") { await first.outbox.status().destinations[0].failedAttempts == 1 }
        await first.outbox.flush()
        try await first.crash()
        clock.jumpWall(by: -10 * 86_400_000)
        let second = try await Bench(scratch: scratch, clock: clock)
        try await second.run("delivered") { second.sink.delivered.count == 1 }
        #expect(clock.uptime <= 86_400_000 + 200_000)
    }

    @Test func `a clock set two days ahead ends no delivery's retries`() async throws {
        let clock = ManualClock()
        let bench = try await Bench(
            clock: clock, sink: FakeSink { _, number in number < 3 ? .retry(.busy, after: nil) : .delivered(.ok) })
        try await bench.outbox.accept(Make.batch([Make.delivery(1)], cursor: 1))
        try await bench.run("an attempt") { await bench.outbox.status().destinations[0].failedAttempts == 1 }
        clock.jumpWall(by: 2 * 86_400_000)
        try await bench.run("delivered") { bench.sink.delivered.count == 1 }
        #expect(bench.sink.attempts.map(\.number) == [1, 2, 3])
    }

    @Test func `stopping lets attempts finish and writes what is left`() async throws {
        let sink = FakeSink()
        sink.close()
        let bench = try await Bench(sink: sink, concurrency: 2)
        try await bench.outbox.accept(Make.batch((1...10).map { Make.delivery($0, lane: "\($0)") }, cursor: 10))
        try await bench.run("two under way") { sink.running == 2 }
        let stopping = Task { await bench.outbox.stop(within: .seconds(5)) }
        while await !bench.outbox.isStopping { await Task.yield() }
        sink.open()
        #expect(await stopping.value)
        #expect(sink.delivered.count == 2)
        #expect(try await bench.rows() == (3...10).map { "sl_\($0)" })
        #expect(try await bench.storedCursor() == 10)
        await #expect(throws: OutboxStopped.self) { try await bench.outbox.accept(Make.batch([], cursor: 11, raw: [])) }
    }

    @Test func `stopping does not wait for ever for an attempt, and keeps its delivery`() async throws {
        let sink = FakeSink()
        sink.close()
        let bench = try await Bench(sink: sink)
        try await bench.outbox.accept(Make.batch([Make.delivery(1)], cursor: 1))
        try await bench.run("under way") { sink.running == 1 }
        let stopping = Task { await bench.outbox.stop(within: .seconds(5)) }
        while await !bench.outbox.isStopping { await Task.yield() }
        bench.clock.advance(by: 4_900)
        for _ in 0..<100 { await Task.yield() }
        #expect(await bench.outbox.attempting == 1, "it has its whole time")
        bench.clock.advance(by: 100)
        #expect(await stopping.value)
        #expect(try await bench.rows() == ["sl_1"])
        sink.open()
    }

    /// Collects claims and reports when told.
    private actor FakeCollector: RunCollector {
        private(set) var claims: [String] = []
        func add(_ delivery: Delivery) { claims.append(delivery.id) }
        func tryNow() -> [String] { ["flow f is disabled"] }
    }

    @Test func `claims go to the collector in order and stay until it reports`() async throws {
        let scratch = Scratch()
        let clock = ManualClock()
        let collector = FakeCollector()
        let bench = try await Bench(scratch: scratch, clock: clock, collector: collector, limits: Self.tight)
        for number in 1...30 {
            try await bench.outbox.accept(Make.batch([Make.run(number)], cursor: number))
        }
        await bench.outbox.flush()
        try await bench.run("the first claims") { await collector.claims.count == 8 }
        #expect(await collector.claims == (1...8).map { "sl_\($0)" })
        await bench.outbox.delivered((1...7).map { "sl_\($0)" })
        await bench.outbox.dead(["sl_8"], note: AttemptNote(status: 404, reason: "the flow is gone"))
        try await bench.run("the next claims") { await collector.claims.count >= 13 }
        await bench.outbox.flush()
        #expect(try await bench.store.pendingCounts().first?.count == 22)
        #expect(try await bench.store.deadLetters().map(\.delivery.id) == ["sl_8"])
        try await bench.crash()

        let again = FakeCollector()
        let second = try await Bench(scratch: scratch, clock: clock, collector: again, limits: Self.tight)
        try await second.run("claims after a restart") { await again.claims.count >= 5 }
        #expect(await Array(again.claims.prefix(5)) == (9...13).map { "sl_\($0)" })
        await second.outbox.delivered(["sl_unknown"])
    }

    @Test func `claims that are given up go where their rule says`() async throws {
        let bench = try await Bench(collector: FakeCollector())
        var dropped = Make.run(1)
        dropped.retry.onError = .drop
        try await bench.outbox.accept(Make.batch([dropped, Make.run(2)], cursor: 2))
        await bench.outbox.dead(["sl_1", "sl_2"], note: AttemptNote(reason: "no run succeeded in time"))
        await bench.outbox.flush()
        #expect(try await bench.store.deadLetters().map(\.delivery.id) == ["sl_2"])
        #expect(await bench.outbox.status().destinations[0].dropped == 1)
    }

    @Test func `an operator who has a destination tried hears which runs were paused`() async throws {
        let collector = FakeCollector()
        let bench = try await Bench(collector: collector)
        let tried = try #require(await bench.outbox.tryNow("hook"))
        #expect(TriedDestination(tried.before, pausedRuns: tried.pausedRuns).pausedRuns == ["flow f is disabled"])
        #expect(await bench.outbox.tryNow("unknown") == nil)
    }
}
