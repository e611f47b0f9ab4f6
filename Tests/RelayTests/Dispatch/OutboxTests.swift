import Events
import Rules
import Store
import Testing

@testable import Relay

@Suite struct OutboxTests {
    @Test func `what is acknowledged before the commit is never written`() async throws {
        let bench = try await Bench()
        try await bench.outbox.accept(Make.batch((1...50).map { Make.delivery($0) }, cursor: 50, raw: [1, 2, 3]))
        try await bench.run("all delivered", maximumSteps: 10_000) {
            // Not a step of time: the first commit is due only when it moves.
            await bench.outbox.unwritten == 0
        }
        #expect(try await bench.storedCursor() == nil || bench.sink.delivered.count == 50)
        await bench.outbox.flush()
        #expect(try await bench.rows().isEmpty)
        #expect(try await bench.store.lastSeq() == 0)
        #expect(try await bench.storedCursor() == 50)
        #expect(try await bench.store.journalSize().rows == 1)
        #expect(bench.sink.delivered.count == 50)
    }

    @Test func `the cursor and the unacknowledged deliveries are written together`() async throws {
        let sink = FakeSink()
        sink.close()
        let bench = try await Bench(sink: sink)
        try await bench.outbox.accept(Make.batch((1...9).map { Make.delivery($0, lane: "\($0 % 3)") }, cursor: 9))
        #expect(try await bench.storedCursor() == nil)
        await bench.outbox.flush()
        #expect(try await bench.storedCursor() == 9)
        #expect(try await bench.rows() == (1...9).map { "sl_\($0)" })
        sink.open()
        try await bench.run("acknowledgements written") { try! await bench.rows().isEmpty }
    }

    @Test func `a lane goes in order and one at a time, lanes beside each other`() async throws {
        let sink = FakeSink()
        sink.close()
        let bench = try await Bench(sink: sink, concurrency: 3)
        try await bench.outbox.accept(Make.batch((0..<30).map { Make.delivery($0, lane: "\($0 % 5)") }, cursor: 30))
        try await bench.run("three attempts") { sink.running == 3 }
        #expect(Set(sink.attempts.map(\.lane)).count == 3)
        sink.open()
        try await bench.run("all delivered") { sink.delivered.count == 30 }
        #expect(sink.mostAtOnce == 3)
        for lane in 0..<5 {
            let order = sink.delivered.compactMap { Int($0.dropFirst(3)) }.filter { $0 % 5 == lane }
            #expect(order == order.sorted())
        }
    }

    @Test func `a waiting delivery blocks its lane and no other`() async throws {
        let sink = FakeSink { delivery, number in
            delivery.lane == "bad" && number < 4 ? .retry(.busy, after: .seconds(60)) : .delivered(.ok)
        }
        let bench = try await Bench(sink: sink)
        let lanes = ["bad", "bad", "good", "good", "bad", "good"]
        try await bench.outbox.accept(
            Make.batch(lanes.enumerated().map { Make.delivery($0.offset, lane: $0.element) }, cursor: 6))
        try await bench.run("the good lane is done") { sink.delivered.count == 3 }
        #expect(sink.delivered == ["sl_2", "sl_3", "sl_5"])
        try await bench.run("the bad lane too") { sink.delivered.count == 6 }
        #expect(sink.delivered.suffix(3) == ["sl_0", "sl_1", "sl_4"])
        #expect(bench.clock.uptime >= 540_000)
        #expect(sink.attempts.filter { $0.id == "sl_0" }.map(\.number) == [1, 2, 3, 4])
    }

    @Test func `after the horizon a delivery goes to the dead letters with its attempts, and the lane goes on`()
        async throws
    {
        let sink = FakeSink { delivery, _ in
            delivery.id == "sl_1" ? .retry(.busy, after: nil) : .delivered(.ok)
        }
        let bench = try await Bench(sink: sink)
        let retry = RetryLimits(horizonMilliseconds: 3_600_000)
        try await bench.outbox.accept(
            Make.batch([Make.delivery(1, retry: retry), Make.delivery(2, retry: retry)], cursor: 2))
        try await bench.run("the second delivered") { sink.delivered == ["sl_2"] }
        await bench.outbox.flush()
        let letter = try #require(try await bench.store.deadLetters().first)
        #expect(letter.delivery == Make.delivery(1, retry: retry))
        #expect(letter.reason == .exhausted)
        #expect(letter.attempts == sink.attempts.count - 1)
        #expect(letter.history.count == DeliveryProgress.maximumHistory)
        #expect(letter.history.first?.number == 1 && letter.history.last?.number == letter.attempts)
        #expect(letter.history.last?.excerpt == "try later")
        #expect((3_600_000...3_601_000).contains(bench.clock.uptime))
        #expect(try await bench.rows().isEmpty)
        #expect(await bench.outbox.status().destinations[0].deadLetters == 1)
    }

    @Test func `onError drop forgets, onError pause keeps the lane and tries slowly`() async throws {
        let sink = FakeSink { delivery, number in
            delivery.lane == "ok" || (delivery.lane == "pause" && number == 3)
                ? .delivered(.ok) : .park(AttemptNote(status: 400, reason: "no"))
        }
        let bench = try await Bench(sink: sink)
        try await bench.outbox.accept(
            Make.batch(
                [
                    Make.delivery(1, lane: "drop", retry: RetryLimits(onError: .drop)),
                    Make.delivery(2, lane: "pause", retry: RetryLimits(onError: .pause)),
                    Make.delivery(3, lane: "pause"), Make.delivery(4, lane: "ok"),
                ], cursor: 4))
        try await bench.run("paused, then delivered") { sink.delivered.contains("sl_2") }
        #expect(bench.clock.uptime >= 2 * 900_000)
        try await bench.run("the rest") { await bench.outbox.status().destinations[0].pending == 0 }
        await bench.outbox.flush()
        #expect(try await bench.store.deadLetters().map(\.delivery.id) == ["sl_3"])
        #expect(await bench.outbox.status().destinations[0].dropped == 1)
    }

    @Test func `the line about dead letters leads to an event of them, and to who minds its rule`() async throws {
        let lines = LogLines()
        let scratch = Scratch()
        let store = try Store(path: scratch.store, wall: 0)
        let labels = RuleLabel.labels(Fields([.init(name: "team", value: .string("sales"))]))
        let outbox = Outbox(store: store, logger: lines.logger, labels: { $0 == "orders" ? labels : [] })
        let sink = FakeSink { _, _ in .park(AttemptNote(status: 422, reason: "no")) }
        try await outbox.start([DispatchDestination(name: "hook", sink: sink, concurrency: 1)])
        try await outbox.accept(Make.batch([Make.delivery(7)], cursor: 7))
        while lines.all.isEmpty { await Task.yield() }
        #expect(lines.all.first?.contains("put to the dead letters") == true)
        #expect(
            lines.metadata.first == [
                "delivery": "sl_7", "rule": "orders", "recordId": "a", "topic": "\(Make.key.topic)",
                "replayId": "\(Make.replayID(7))", "label_team": "sales",
            ])
        #expect(await outbox.stop(within: .seconds(1)))
    }

    @Test func `a held destination keeps its deliveries in order behind one probe`() async throws {
        let clock = ManualClock()
        let sink = FakeSink { _, _ in
            clock.uptime < 100_000
                ? .hold(AttemptNote(status: 401, reason: "the token is not valid"), scope: .destination, for: nil)
                : .delivered(.ok)
        }
        let lines = LogLines()
        let bench = try await Bench(clock: clock, sink: sink, concurrency: 2, logger: lines.logger)
        try await bench.outbox.accept(Make.batch((0..<20).map { Make.delivery($0, lane: "\($0 % 4)") }, cursor: 20))
        try await bench.run("held, and said") {
            await bench.outbox.flush()
            return try! await bench.store.destinationStates().first?.state == "held"
        }
        let hold = try #require(await bench.outbox.status().destinations[0].hold)
        #expect(hold.reason == "the token is not valid" && hold.target == nil)
        try await bench.run("all delivered") { sink.delivered.count == 20 }
        // Two attempts at first, then one probe for each hold.
        #expect(sink.attempts.count <= 20 + 2 + 3)
        await bench.outbox.flush()
        #expect(try await bench.store.destinationStates().isEmpty)
        #expect(lines.all.filter { $0.hasPrefix("warning") }.count == 1, "\(lines.all)")
        #expect(lines.all.last?.contains("answers again") == true)
    }

    @Test func `destinations that are set anew are probed at once, unless the receiver said when`() async throws {
        let clock = ManualClock()
        let sink = FakeSink { delivery, number in
            guard number == 1 else { return .delivered(.ok) }
            let isAsked = delivery.destination == "asked"
            return .hold(
                AttemptNote(status: isAsked ? 429 : 401, reason: "no"), scope: .destination,
                for: isAsked ? .seconds(600) : nil)
        }
        let names = ["hook", "asked"]
        let bench = try await Bench(clock: clock, sink: sink, names: names)
        try await bench.outbox.accept(
            Make.batch(names.enumerated().map { Make.delivery($0.offset, destination: $0.element) }, cursor: 2))
        try await bench.run("both held") {
            await bench.outbox.status().destinations.allSatisfy { $0.breaker.state == .open }
        }
        let before = clock.uptime
        await bench.outbox.setDestinations(
            names.map { DispatchDestination(name: $0, sink: sink, concurrency: 2) })
        try await bench.run("one of them") { sink.delivered == ["sl_0"] }
        #expect(clock.uptime == before)
        try await bench.run("the other") { sink.delivered.count == 2 }
        #expect(clock.uptime >= 600_000)
    }

    @Test func `a held flow does not hold another flow`() async throws {
        let sink = FakeSink { delivery, number in
            delivery.target == .flow(id: "down") && number < 3
                ? .hold(AttemptNote(status: 404, reason: "the flow is inactive"), scope: .target, for: .seconds(600))
                : .delivered(.ok)
        }
        let bench = try await Bench(sink: sink)
        try await bench.outbox.accept(
            Make.batch(
                (0..<40).map {
                    Make.delivery($0, lane: "\($0)", target: .flow(id: $0 % 2 == 0 ? "down" : "up"))
                }, cursor: 40))
        try await bench.run("the other flow is done") { sink.delivered.count >= 20 }
        #expect(bench.clock.uptime < 600_000)
        #expect(await bench.outbox.status().destinations[0].hold?.target == "flow …down")
        try await bench.run("all delivered") { sink.delivered.count == 40 }
    }

    @Test func `a destination that nobody can reach is held, and probed soon`() async throws {
        let clock = ManualClock()
        let sink = FakeSink { _, _ in clock.uptime < 60_000 ? .retry(.down, after: nil) : .delivered(.ok) }
        let bench = try await Bench(clock: clock, sink: sink, concurrency: 8)
        try await bench.outbox.accept(Make.batch((0..<500).map { Make.delivery($0, lane: "\($0)") }, cursor: 500))
        try await bench.run("all delivered") { sink.delivered.count == 500 }
        // 16 failures, those under way, and a probe for each hold: not five hundred lanes again and again.
        #expect(sink.attempts.count < 500 + 16 + 8 + 12)
        // Those lanes that failed themselves wait for their own back-off.
        #expect(clock.uptime < 60_000 + 31_000 + 60_000)
    }

    @Test func `the deliveries of a destination that is gone are kept, and go on when it is back`() async throws {
        let scratch = Scratch()
        let clock = ManualClock()
        let first = try await Bench(scratch: scratch, clock: clock, names: ["other"])
        try await first.outbox.accept(Make.batch((1...30).map { Make.delivery($0) }, cursor: 30))
        await first.outbox.flush()
        let status = try #require(await first.outbox.status().destinations.first { $0.name == "hook" })
        #expect(status.isMissing && status.pending == 30)
        #expect(try await first.store.destinationStates().map(\.state) == ["missing"])
        try await first.crash()

        let second = try await Bench(scratch: scratch, clock: clock, names: ["other"])
        #expect(try await second.store.pendingCounts().map(\.count) == [30])
        await second.outbox.setDestinations([
            DispatchDestination(name: "hook", sink: second.sink, concurrency: 2)
        ])
        try await second.run("all delivered") { second.sink.delivered.count == 30 }
        #expect(second.sink.delivered == (1...30).map { "sl_\($0)" })
        await second.outbox.flush()
        #expect(try await second.store.destinationStates().isEmpty)
    }

    @Test func `keepalives move the cursor in few commits`() async throws {
        let bench = try await Bench()
        for number in 1...500 { try await bench.outbox.accept(RoutedBatch(cursor: Make.cursor(number))) }
        try await bench.run("the cursor is stored") { try! await bench.storedCursor() == 500 }
        #expect(await bench.outbox.takes <= 3)
    }

    @Test func `an idle outbox has nothing to wake up for`() async throws {
        let bench = try await Bench()
        try await bench.outbox.accept(Make.batch([Make.delivery(1)], cursor: 1))
        try await bench.run("delivered") { bench.sink.delivered.count == 1 }
        await bench.outbox.flush()
        try await bench.run("the loop has ended") { await bench.outbox.loop == nil }
        // One look after those that might hang is left.
        try await bench.run("nobody waits for anything", maximumSteps: 1_000) { bench.clock.nextDue == nil }
        #expect(bench.clock.uptime <= 600_000)
    }
}
