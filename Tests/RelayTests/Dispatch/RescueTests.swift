import Events
import Store
import Synchronization
import Testing

@testable import Relay

/// Attempts that hang or are broken off, and lanes that stand.
@Suite struct RescueTests {
    /// Its first attempt never ends, or ends long after everybody has given it up.
    private final class HangingSink: Sink {
        private let state = Mutex<(attempts: [Int], hanging: CheckedContinuation<Void, Never>?)>(([], nil))

        var attempts: [Int] { state.withLock { $0.attempts } }

        func attempt(_ delivery: Delivery, number: Int) async -> AttemptOutcome {
            state.withLock { $0.attempts.append(number) }
            if number == 1 {
                await withCheckedContinuation { continuation in state.withLock { $0.hanging = continuation } }
            }
            return .delivered(.ok)
        }

        func end() { state.withLock { $0.hanging.take() }?.resume() }
    }

    @Test func `an attempt that hangs is given up after its lease, and made again`() async throws {
        let clock = ManualClock()
        let scratch = Scratch()
        let sink = HangingSink()
        let store = try Store(path: scratch.store, wall: clock.wall)
        let lines = LogLines()
        let outbox = Outbox(store: store, clock: clock.source, random: Jitter(seed: 1), logger: lines.logger)
        try await outbox.start([DispatchDestination(name: "hook", sink: sink, concurrency: 1, lease: .seconds(45))])
        try await outbox.accept(Make.batch([Make.delivery(1)], cursor: 1))
        try await clock.run("given up", busy: { await outbox.isBusy }) {
            await outbox.status().destinations[0].failedAttempts == 1
        }
        #expect(clock.uptime == 45_000)
        #expect(await outbox.underWay("hook") == 0)
        let progress = try #require(await outbox.firstProgress("hook"))
        #expect(progress.history.last?.possibleDuplicate == true)
        try await clock.run("delivered", busy: { await outbox.isBusy }) { sink.attempts.count == 2 }
        #expect(sink.attempts == [1, 2])
        // What the first one says at last is of no interest.
        sink.end()
        try await clock.run("done", busy: { await outbox.isBusy }) {
            await outbox.status().destinations[0].delivered == 1
        }
        #expect(lines.all.contains { $0.contains("hung for 45 s") }, "\(lines.all)")
        await outbox.abandon()
        try store.close()
    }

    @Test func `a process that stood still gives its attempts time to end by themselves`() async throws {
        let clock = ManualClock()
        let scratch = Scratch()
        let sink = HangingSink()
        let store = try Store(path: scratch.store, wall: clock.wall)
        let outbox = Outbox(store: store, clock: clock.source, random: Jitter(seed: 1), logger: .quiet)
        try await outbox.start([DispatchDestination(name: "hook", sink: sink, concurrency: 1, lease: .seconds(45))])
        try await outbox.accept(Make.batch([Make.delivery(1)], cursor: 1))
        while sink.attempts.isEmpty { await Task.yield() }
        await outbox.flush()
        while await outbox.loop != nil { await Task.yield() }
        clock.advance(by: 120_000)
        while clock.nextDue != 125_000 { await Task.yield() }
        sink.end()
        try await clock.run("delivered", busy: { await outbox.isBusy }) {
            await outbox.status().destinations[0].delivered == 1
        }
        #expect(clock.uptime == 120_000)
        #expect(sink.attempts == [1])
        #expect(await outbox.status().destinations[0].failedAttempts == 0)
        await outbox.abandon()
        try store.close()
    }

    @Test func `an attempt that a stop breaks off is on record as a possible duplicate`() async throws {
        let sink = FakeSink()
        sink.close()
        let scratch = Scratch()
        let clock = ManualClock()
        let bench = try await Bench(scratch: scratch, clock: clock, sink: sink)
        try await bench.outbox.accept(Make.batch([Make.delivery(1)], cursor: 1))
        try await bench.run("under way") { sink.running == 1 }
        let stopping = Task { await bench.outbox.stop(within: .seconds(5)) }
        while await !bench.outbox.isStopping { await Task.yield() }
        clock.advance(by: 5_000)
        #expect(await stopping.value)
        let row = try #require(
            try await bench.store.pending([
                OutboxRead(destination: "hook", isGathered: false, after: 0, limit: 9)
            ])[0].first)
        #expect(row.progress.history.map(\.possibleDuplicate) == [true])
        #expect(row.progress.attempts == 1 && row.progress.heldAttempts == 1)
        sink.open()
        try bench.store.close()
        let second = try await Bench(scratch: scratch, clock: clock)
        try await second.run("delivered") { second.sink.delivered == ["sl_1"] }
    }

    @Test func `topics take turns at a destination`() async throws {
        let sink = FakeSink()
        sink.close()
        let bench = try await Bench(sink: sink, concurrency: 1)
        try await bench.outbox.accept(Make.batch((0..<300).map { Make.delivery($0, lane: "\($0)") }, cursor: 300))
        let others = (300..<305).map { number in
            var delivery = Make.delivery(number, lane: "\(number)")
            delivery.origin.topic = "/event/Other__e"
            return delivery
        }
        try await bench.outbox.accept(Make.batch(others, cursor: 305))
        sink.open()
        try await bench.run("the other topic is done") {
            Set(sink.delivered).isSuperset(of: (300..<305).map { "sl_\($0)" })
        }
        #expect(sink.delivered.prefix(12).filter { Int($0.dropFirst(3))! >= 300 }.count == 5, "\(sink.delivered)")
    }

    @Test func `an adaptive destination gets more attempts at once as it takes them well`() async throws {
        let sink = FakeSink()
        let bench = try await Bench(sink: sink, concurrency: .adaptive)
        for batch in 0..<20 {
            try await bench.outbox.accept(
                Make.batch((batch * 100..<batch * 100 + 100).map { Make.delivery($0, lane: "\($0)") }, cursor: batch))
        }
        try await bench.run("all delivered") { sink.delivered.count == 2_000 }
        let concurrency = await bench.outbox.status().destinations[0].concurrency
        #expect(concurrency.isAdaptive && concurrency.now > AdaptiveLimit.start, "\(concurrency)")
        #expect(sink.mostAtOnce <= 256)
    }

    // MARK: onError: pause

    private static let unrendered = Delivery.unrendered(
        id: "sl_1", rule: "orders", destination: "hook", lane: "a", origin: Make.delivery(1).origin,
        reason: "orders.yaml:21:15: 'record.Amount' is absent")

    /// Can render as soon as the rules are mended.
    private final class Rules: DeliveryRenderer {
        private let areMended = Mutex(false)

        func mend() { areMended.withLock { $0 = true } }

        func render(_ delivery: Delivery) async -> Rendering {
            areMended.withLock { $0 } ? .ready(Make.delivery(1)) : .failed("still absent")
        }
    }

    @Test
    func `a delivery that cannot be rendered holds up its lane and no other, until the rule is mended`() async throws {
        let rules = Rules()
        let scratch = Scratch()
        let clock = ManualClock()
        let bench = try await Bench(scratch: scratch, clock: clock, renderer: rules)
        try await bench.outbox.accept(
            Make.batch([Self.unrendered, Make.delivery(2), Make.delivery(3, lane: "b")], cursor: 3))
        try await bench.run("the other lane") { bench.sink.delivered == ["sl_3"] }
        try await bench.run("asked again and again") { await bench.outbox.status().destinations[0].failedAttempts == 5 }
        let status = await bench.outbox.status().destinations[0]
        #expect(status.paused == DispatchStatus.Paused(lanes: 1, reason: "still absent"))
        #expect(status.pending == 2 && status.breaker.state == .closed)
        #expect(bench.sink.attempts.map(\.id) == ["sl_3"])
        await bench.outbox.flush()
        try await bench.crash()

        let second = try await Bench(scratch: scratch, clock: clock, renderer: rules)
        rules.mend()
        let before = clock.uptime
        try await second.run("asked once more") { await second.outbox.knownLanes("hook") == 1 }
        await second.outbox.hurry("hook")
        try await second.run("both, in order") { second.sink.delivered == ["sl_1", "sl_2"] }
        #expect(clock.uptime - before <= 2_000)
        #expect(await second.outbox.status().destinations[0].paused.lanes == 0)
    }

    @Test func `what is rendered anew and meets a held flow holds up its own lane only`() async throws {
        let sink = FakeSink { delivery, _ in
            delivery.lane == "a" ? .hold(.busy, scope: .target, for: .seconds(600)) : .delivered(.ok)
        }
        let bench = try await Bench(sink: sink, renderer: Lanes())
        let others = (2...4).map { number in
            Delivery.unrendered(
                id: "sl_\(number)", rule: "orders", destination: "hook", lane: "b\(number)",
                origin: Make.delivery(number).origin, reason: "absent")
        }
        try await bench.outbox.accept(Make.batch([Self.unrendered] + others, cursor: 4))
        try await bench.run("the other lanes") { Set(bench.sink.delivered) == ["sl_2", "sl_3", "sl_4"] }
        #expect(bench.clock.uptime < 600_000)
    }

    /// Renders everything, in its lane.
    private struct Lanes: DeliveryRenderer {
        func render(_ delivery: Delivery) async -> Rendering {
            .ready(Make.delivery(Int(delivery.id.dropFirst(3)) ?? 0, lane: delivery.lane))
        }
    }

    @Test func `an operator can give up what makes a lane stand, and the lane goes on`() async throws {
        let bench = try await Bench()
        try await bench.outbox.accept(Make.batch([Self.unrendered, Make.delivery(2)], cursor: 2))
        try await bench.run("paused") { await bench.outbox.status().destinations[0].paused.lanes == 1 }
        #expect(await bench.outbox.giveUp(["sl_2", "sl_9"], reason: "given up by an operator").isEmpty)
        #expect(await bench.outbox.giveUp(["sl_1"], reason: "given up by an operator") == ["sl_1"])
        try await bench.run("the next one") { bench.sink.delivered == ["sl_2"] }
        await bench.outbox.flush()
        let letter = try #require(try await bench.store.deadLetters().first)
        #expect(letter.reason == .rendering && letter.delivery.id == "sl_1")
        #expect(letter.detail.hasPrefix("given up by an operator; orders.yaml:21:15"))
        #expect(try await bench.rows().isEmpty)
    }

    // MARK: Records that cannot be read now

    private static func deferred(_ number: Int, lane: String) -> Delivery {
        .unrendered(
            id: "sl_\(number)", rule: "orders", destination: "hook", lane: lane, origin: Make.delivery(number).origin,
            reason: "503", retry: RetryLimits(), isDeferred: true)
    }

    /// Salesforce, which answers or does not. Every third record is none that the rule wants.
    private final class Records: DeliveryRenderer {
        private let state = Mutex((isDown: true, asked: 0))

        var asked: Int { state.withLock { $0.asked } }

        func comeBack() { state.withLock { $0.isDown = false } }

        func render(_ delivery: Delivery) async -> Rendering {
            let isDown = state.withLock { state in
                state.asked += 1
                return state.isDown
            }
            if isDown { return .later("cannot read Account 001: 503") }
            let number = Int(delivery.id.dropFirst(3)) ?? 0
            return number % 3 == 0 ? .nothing : .ready(Make.delivery(number, lane: delivery.lane))
        }
    }

    @Test
    func `deliveries that wait for their record hold up their lanes only, and ask for one at a time`() async throws {
        let records = Records()
        let bench = try await Bench(renderer: records)
        let waiting = (1...30).map { Self.deferred($0, lane: "\($0)") }
        let behind = Make.delivery(31, lane: "1")
        try await bench.outbox.accept(Make.batch(waiting + [behind, Make.delivery(32, lane: "other")], cursor: 32))
        try await bench.run("the lane that needs nothing") { bench.sink.delivered == ["sl_32"] }
        let start = bench.clock.uptime
        try await bench.run("a minute") { bench.clock.uptime - start > 60_000 }
        #expect((2...20).contains(records.asked), "\(records.asked) reads in a minute, whoever waits")
        let held = await bench.outbox.status().destinations[0]
        #expect(held.hold?.target == "deliveries that wait for their record" && held.breaker.state == .closed)
        #expect(held.hold?.reason == "cannot read Account 001: 503")
        records.comeBack()
        let wanted = Set((1...32).filter { $0 > 30 || $0 % 3 != 0 }.map { "sl_\($0)" })
        try await bench.run("all of them") { Set(bench.sink.delivered) == wanted }
        let order = bench.sink.delivered
        #expect(order.firstIndex(of: "sl_1")! < order.firstIndex(of: "sl_31")!)
        await bench.outbox.flush()
        #expect(try await bench.rows().isEmpty)
        #expect(try await bench.store.deadLetters().isEmpty)
    }

    /// One org's records can be read, another one's never.
    private struct OneOrgDown: DeliveryRenderer {
        func render(_ delivery: Delivery) async -> Rendering {
            guard delivery.origin.orgID == Make.org else { return .later("the other org has not signed in") }
            return .ready(Make.delivery(Int(delivery.id.dropFirst(3)) ?? 0, lane: delivery.lane))
        }
    }

    @Test func `an org whose records cannot be read does not keep another one's waiting`() async throws {
        let bench = try await Bench(renderer: OneOrgDown())
        var others = (1...5).map { Self.deferred($0, lane: "\($0)") }
        for index in others.indices { others[index].origin.orgID = "00D000000000009EAA" }
        let waiting = others + (6...9).map { Self.deferred($0, lane: "\($0)") }
        try await bench.outbox.accept(Make.batch(waiting, cursor: 9))
        try await bench.run("those of the org that answers") { bench.sink.delivered.count == 4 }
        #expect(Set(bench.sink.delivered) == ["sl_6", "sl_7", "sl_8", "sl_9"])
        #expect(bench.clock.uptime < 30_000)
        #expect(await bench.outbox.status().destinations[0].pending == 5)
    }

    @Test func `one that hangs at its last attempt dies with the request that was built for it`() async throws {
        let clock = ManualClock()
        let scratch = Scratch()
        let sink = HangingSink()
        let store = try Store(path: scratch.store, wall: clock.wall)
        let outbox = Outbox(
            store: store, clock: clock.source, random: Jitter(seed: 1), logger: .quiet, renderer: Lanes())
        try await outbox.start([DispatchDestination(name: "hook", sink: sink, concurrency: 1, lease: .seconds(45))])
        var last = Self.deferred(1, lane: "a")
        last.retry.maximumAttempts = 1
        try await outbox.accept(Make.batch([last], cursor: 1))
        try await clock.run("given up", busy: { await outbox.isBusy }) {
            await outbox.flush()
            return (try? await store.deadLetters().count) == 1
        }
        let letter = try #require(try await store.deadLetters().first)
        #expect(letter.delivery.body == Make.delivery(1).body && letter.reason != .rendering, "\(letter)")
        #expect(letter.history.last?.possibleDuplicate == true)
        sink.end()
        await outbox.abandon()
        try store.close()
    }

    @Test func `without anybody to render it, it is kept and shown all the same`() async throws {
        let bench = try await Bench()
        try await bench.outbox.accept(Make.batch([Self.unrendered, Make.delivery(2)], cursor: 2))
        try await bench.run("paused") { await bench.outbox.status().destinations[0].paused.lanes == 1 }
        #expect(await bench.outbox.status().destinations[0].paused.reason?.contains("record.Amount") == true)
        #expect(bench.sink.attempts.isEmpty)
    }
}

extension Outbox {
    func underWay(_ destination: String) -> Int { routes[destination]!.lanes.inFlight }

    func knownLanes(_ destination: String) -> Int { routes[destination]!.lanes.knownLanes }

    func firstProgress(_ destination: String) -> DeliveryProgress? {
        routes[destination]!.lanes.lanes.values.first?.entries.first?.progress
    }
}
