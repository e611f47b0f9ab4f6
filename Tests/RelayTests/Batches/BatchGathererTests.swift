import Documents
import Events
import Rules
import Store
import Synchronization
import Testing

@testable import Relay

/// `coalesce` from the outbox to the receiver: gathered, closed, replaced in one transaction.
@Suite struct BatchGathererTests {
    private static func rules(
        _ coalesce: String, id: String = "gather", body: String = "{n: \"${batch.count}\", ids: \"${batch.recordIds}\"}",
        to destination: String = "hook"
    ) -> RuleSet {
        let text = """
            sluice: 1
            destinations: {hook: {kind: webhook, url: 'https://hooks.example.com/x'}}
            rules:
              - id: \(id)
                match: {entity: Account, change: [create, update]}
                to:
                  destination: \(destination)
                  body: \(body)
                  coalesce: \(coalesce)
            """
        return Lint.check([RuleSource(path: "rules.yaml", bytes: Array(text.utf8))]).ruleSet ?? .empty
    }

    private static func event(_ number: Int, transaction: String = "t") -> Event {
        let id = "00100000000\(1000 + number)AAA"
        let header = ChangeEventHeader(
            entityName: "Account", recordIds: [id], changeType: .create, changeOrigin: "", transactionKey: transaction,
            sequenceNumber: 1, commitTimestamp: 0, commitNumber: 0, commitUser: "", nulledFields: [], diffFields: [],
            changedFields: [])
        return Event(
            id: "e\(number)", kind: .change, entity: "Account", topic: Make.key.topic,
            replayID: Make.replayID(number), schemaID: "s", time: Int64(number), receivedAt: 0, header: header,
            recordID: id, record: KnownFields([:]),
            org: Org(id: Make.org, alias: "prod", instanceURL: "", isSandbox: false))
    }

    private struct Relay {
        let bench: Bench
        let gatherer: BatchGatherer
        let rules: CurrentRules
        let bodies: Bodies

        init(_ set: RuleSet, scratch: Scratch = Scratch(), sink: FakeSink? = nil, bodies: Bodies = Bodies()) async throws {
            rules = CurrentRules(set)
            self.bodies = bodies
            bench = try await Bench(
                scratch: scratch, sink: sink ?? FakeSink { delivery, _ in
                    bodies.add(delivery)
                    return .delivered(.ok)
                })
            gatherer = BatchGatherer(
                outbox: bench.outbox, rules: rules, marks: bench.outbox.marks!, time: bench.clock.source, log: .quiet)
            await bench.outbox.gather(by: gatherer)
        }

        func accept(_ numbers: [Int], transaction: String = "t", replay: String? = nil) async throws {
            var events = numbers.map { BatchGathererTests.event($0, transaction: transaction) }
            for index in events.indices { events[index].replay = replay }
            var deliveries = events.flatMap { rules.current.route($0, now: 0).deliveries }
            if let replay {
                for index in deliveries.indices { deliveries[index].id = ReplayedDelivery.id(deliveries[index].id, of: replay) }
            }
            var batch = Make.batch(deliveries, cursor: numbers.last ?? 0)
            if replay == nil { batch.transaction = transaction } else { batch.cursor.key.scope = .none }
            try await bench.outbox.accept(batch)
        }
    }

    final class Bodies: Sendable {
        private let texts = Mutex<[String]>([])

        var all: [String] { texts.withLock { $0 } }

        func add(_ delivery: Delivery) {
            texts.withLock { $0.append(String(decoding: delivery.body, as: UTF8.self)) }
        }
    }

    @Test func `after a crash under way the same claims make the same batch, with the same ID`() async throws {
        let (scratch, rules) = (Scratch(), Self.rules("{quiet: 5s, max: 1m, limit: 3}"))
        let (sink, again) = (FakeSink(), FakeSink())
        sink.close()
        let first = try await Relay(rules, scratch: scratch, sink: sink)
        try await first.accept([1, 2, 3])
        try await first.bench.run("under way") { sink.running == 1 }
        try await first.bench.crash()
        // Nothing comes from Salesforce any more: all is on disk, as claims or as what they became.
        let second = try await Relay(rules, scratch: scratch, sink: again)
        try await second.bench.run("delivered") { again.delivered.count == 1 }
        #expect(again.delivered == sink.attempts.map(\.id))
        sink.open()
    }

    @Test func `delivers once for all that came until it was quiet`() async throws {
        let relay = try await Relay(Self.rules("{quiet: 5s, max: 1m}"))
        try await relay.accept([1, 2])
        try await relay.accept([3])
        try await relay.bench.run("delivered") { relay.bodies.all.count == 1 }
        #expect(
            relay.bodies.all == [
                #"{"n":3,"ids":["001000000001001AAA","001000000001002AAA","001000000001003AAA"]}"#
            ])
        #expect(relay.bench.clock.uptime >= 5_000)
        try await relay.bench.run("clean") { await relay.bench.outbox.isClean }
        #expect(try await relay.bench.store.pendingCounts().isEmpty)
    }

    @Test func `closes at the limit without waiting`() async throws {
        let relay = try await Relay(Self.rules("{quiet: 5m, max: 10m, limit: 2}"))
        try await relay.accept([1, 2, 3, 4, 5])
        try await relay.bench.run("two batches") { relay.bodies.all.count == 2 }
        #expect(relay.bench.clock.uptime < 60_000)
        try await relay.bench.run("the rest") { relay.bodies.all.count == 3 }
        #expect(relay.bodies.all.map { $0.prefix(6) } == [#"{"n":2"#, #"{"n":2"#, #"{"n":1"#])
    }

    @Test func `loses and doubles nothing when it is killed while a batch is open`() async throws {
        let bodies = Bodies()
        let first = try await Relay(Self.rules("{quiet: 5s}"), bodies: bodies)
        try await first.accept([1, 2])
        await first.bench.outbox.flush()
        try await first.bench.crash()
        let second = try await Relay(Self.rules("{quiet: 5s}"), scratch: first.bench.scratch, bodies: bodies)
        try await second.bench.run("delivered") { bodies.all.count == 1 }
        #expect(bodies.all[0].hasPrefix(#"{"n":2"#))
        try await second.bench.run("clean") { await second.bench.outbox.isClean }
        #expect(try await second.bench.store.pendingCounts().isEmpty)
    }

    @Test func `keeps gathering while a batch is in flight`() async throws {
        let sink = FakeSink()
        sink.close()
        let relay = try await Relay(Self.rules("{quiet: 1s}"), sink: sink)
        try await relay.accept([1])
        try await relay.bench.run("the first under way") { sink.running == 1 }
        try await relay.accept([2])
        try await relay.accept([3])
        relay.bench.clock.advance(by: 60_000)
        for _ in 0..<200 { await Task.yield() }
        #expect(sink.attempts.count == 1)
        sink.open()
        try await relay.bench.run("the second") { sink.attempts.count == 2 }
        try await relay.bench.run("clean") { await relay.bench.outbox.isClean }
        #expect(sink.attempts.count == 2)
    }

    @Test func `closes when the Salesforce transaction is over`() async throws {
        let relay = try await Relay(Self.rules("{quiet: 5m, max: 10m, transaction: true}"))
        try await relay.accept([1, 2], transaction: "a")
        try await relay.accept([3], transaction: "b")
        try await relay.bench.run("the first") { !relay.bodies.all.isEmpty }
        #expect(relay.bodies.all[0].hasPrefix(#"{"n":2"#))
        // A keepalive: nothing is open any more.
        try await relay.bench.outbox.accept(Make.batch([], cursor: 4))
        try await relay.bench.run("the second") { relay.bodies.all.count == 2 }
        #expect(relay.bench.clock.uptime < 60_000)
    }

    @Test func `where the live stream is ends no transaction of a replay`() async throws {
        let relay = try await Relay(Self.rules("{quiet: 5m, max: 10m, transaction: true}"))
        try await relay.accept([50], transaction: "live")
        for (number, transaction) in [(1, "a"), (2, "a"), (3, "b")] {
            try await relay.accept([number], transaction: transaction, replay: "rp00000001")
            await relay.bench.outbox.flush()
            // Longer than a mark takes to be looked at, and by far not until the batch is due.
            for _ in 0..<8 {
                for _ in 0..<50 { await Task.yield() }
                relay.bench.clock.advance(by: BatchGatherer.sealDelay)
            }
        }
        try await relay.bench.run("the first transaction") { !relay.bodies.all.isEmpty }
        #expect(relay.bodies.all.map { $0.prefix(6) } == [#"{"n":2"#])
        #expect(relay.bench.clock.uptime < 60_000)
    }

    @Test func `another org's topic of the same name completes no transaction`() async throws {
        let relay = try await Relay(Self.rules("{quiet: 5m, max: 10m, transaction: true}"))
        func tick(_ number: Int) async throws {
            var other = Make.batch([], cursor: number)
            other.cursor.key.org = "other"
            other.cursor.orgID = "00D000000000002EAA"
            try await relay.bench.outbox.accept(other)
            // Longer than a mark takes to be looked at, and by far not until the batch is due.
            for _ in 0..<8 {
                for _ in 0..<50 { await Task.yield() }
                relay.bench.clock.advance(by: BatchGatherer.sealDelay)
            }
        }
        try await relay.accept([1, 2], transaction: "a")
        try await tick(1)
        try await relay.accept([3], transaction: "a")
        try await tick(2)
        try await relay.bench.outbox.accept(Make.batch([], cursor: 4))
        try await relay.bench.run("delivered") { !relay.bodies.all.isEmpty }
        #expect(relay.bodies.all[0].hasPrefix(#"{"n":3"#))
    }

    @Test func `what no rule gathers waits quietly, whatever transactions pass`() async throws {
        let relay = try await Relay(Self.rules("{quiet: 1s, transaction: true}"))
        try await relay.accept([1], transaction: "t")
        relay.rules.replace(by: Self.rules("{quiet: 1s, transaction: true}", id: "other"))
        try await relay.bench.run("kept") { relay.bench.clock.uptime > 5_000 }
        try await relay.bench.outbox.accept(Make.batch([], cursor: 2))
        try await relay.accept([3], transaction: "u")
        try await relay.bench.run("kept on") { relay.bench.clock.uptime > 100_000 }
        relay.rules.replace(by: Self.rules("{quiet: 1s, transaction: true}"))
        await relay.gatherer.rulesChanged()
        try await relay.bench.run("delivered") { relay.bodies.all.count >= 1 }
    }

    @Test func `keeps what no rule gathers any more until one does`() async throws {
        let relay = try await Relay(Self.rules("{quiet: 1s}"))
        try await relay.accept([1])
        relay.rules.replace(by: Self.rules("{quiet: 1s}", id: "other"))
        try await relay.bench.run("kept") { relay.bench.clock.uptime > 100_000 }
        #expect(relay.bodies.all.isEmpty)
        #expect(await relay.bench.outbox.status().destinations.first?.pending == 1)
        relay.rules.replace(by: Self.rules("{quiet: 1s}"))
        await relay.gatherer.rulesChanged()
        try await relay.bench.run("delivered") { relay.bodies.all.count == 1 }
    }

    @Test func `latest with a key of its own makes one delivery for each record`() async throws {
        let relay = try await Relay(Self.rules("{mode: latest, key: all, quiet: 1s}", body: "{id: \"${recordId}\"}"))
        try await relay.accept([1, 2])
        try await relay.accept([1, 3])
        try await relay.bench.run("delivered") { await relay.bench.outbox.status().destinations[0].pending == 0 }
        let ids = [1, 2, 3].map { #"{"id":"00100000000\#(1000 + $0)AAA"}"# }
        #expect(relay.bodies.all.sorted() == ids)
    }

    @Test func `what is too large for one request is two`() async throws {
        let text = String(repeating: "x", count: 2_000)
        let body = "{n: \"${batch.count}\", all: \"${batch.events.map(e, batch.events.map(f, '\(text)'))}\"}"
        let relay = try await Relay(Self.rules("{quiet: 1s, limit: 30}", body: body))
        try await relay.accept(Array(1...30))
        try await relay.bench.run("delivered") { await relay.bench.outbox.status().destinations[0].pending == 0 }
        #expect(relay.bodies.all.map { $0.prefix(7) } == [#"{"n":15"#, #"{"n":15"#])
        #expect(try await relay.bench.store.deadLetters().isEmpty)
    }

    @Test func `onError pause keeps what cannot be built until it can`() async throws {
        let paused = "hook\n      onError: pause"
        let relay = try await Relay(Self.rules("{quiet: 1s}", body: "{n: \"${[1][batch.count]}\"}", to: paused))
        try await relay.accept([1, 2])
        try await relay.bench.run("kept") { relay.bench.clock.uptime > 100_000 }
        #expect(relay.bodies.all.isEmpty)
        #expect(await relay.bench.outbox.status().destinations.first?.pending == 2)
        relay.rules.replace(by: Self.rules("{quiet: 1s}", to: paused))
        await relay.gatherer.rulesChanged()
        try await relay.bench.run("delivered") { relay.bodies.all.count == 1 }
    }

    @Test func `what is no event goes to the dead letters, and stops nothing`() async throws {
        let relay = try await Relay(Self.rules("{quiet: 1s}"))
        var broken = try #require(relay.rules.current.route(Self.event(1), now: 0).deliveries.first)
        broken.body = Array("{}".utf8)
        try await relay.bench.outbox.accept(Make.batch([broken], cursor: 1))
        try await relay.bench.run("dead") { await relay.bench.outbox.status().destinations[0].pending == 0 }
        await relay.bench.outbox.flush()
        #expect(try await relay.bench.store.deadLetters().map(\.detail).first?.contains("no event") == true)
    }

    @Test func `claims of a destination that was gone for a while are gathered once`() async throws {
        let relay = try await Relay(Self.rules("{quiet: 5s, max: 10m}"))
        let hook = DispatchDestination(name: "hook", sink: relay.bench.sink, concurrency: 4)
        try await relay.accept([1, 2])
        // Rule and destination are taken out, and put back a minute later.
        await relay.bench.outbox.setDestinations([])
        relay.rules.replace(by: Self.rules("{quiet: 5s, max: 10m}", id: "other"))
        try await relay.bench.run("kept") { relay.bench.clock.uptime > 60_000 }
        relay.rules.replace(by: Self.rules("{quiet: 5s, max: 10m}"))
        await relay.bench.outbox.setDestinations([hook])
        await relay.gatherer.rulesChanged()
        try await relay.accept([3])
        try await relay.bench.run("delivered") { await relay.bench.outbox.status().destinations[0].pending == 0 }
        let counts = relay.bodies.all.compactMap { $0.dropFirst(5).prefix { $0 != "," }.first?.wholeNumberValue }
        #expect(counts.reduce(0, +) == 3, "\(relay.bodies.all)")
    }

    @Test func `a transaction is complete although others follow it all the time`() async throws {
        let relay = try await Relay(Self.rules("{quiet: 5m, max: 10m, transaction: true}"))
        try await relay.accept([1, 2], transaction: "a")
        var number = 3
        while relay.bodies.all.isEmpty, relay.bench.clock.uptime < 60_000 {
            var batch = Make.batch([], cursor: number, raw: [1])
            batch.transaction = "t\(number)"
            try await relay.bench.outbox.accept(batch)
            for _ in 0..<100 { await Task.yield() }
            relay.bench.clock.advance(by: 100)
            for _ in 0..<100 { await Task.yield() }
            number += 1
        }
        #expect(relay.bodies.all.first?.hasPrefix(#"{"n":2"#) == true)
        #expect(relay.bench.clock.uptime < 10_000)
    }
}
