import Events
import PubSub
import Rules
import Store
import Synchronization
import Testing
import TestSupport

@testable import Relay

/// Deliveries that have no request yet, and what becomes of them once one can be built.
@Suite(.timeLimit(.minutes(5))) struct RenderedAnewTests {
    private static func origin(_ number: Int) throws -> DeliveryOrigin {
        DeliveryOrigin(
            orgID: IngestBench.org.id, topic: Make.key.topic, replayID: try ReplayEvents.event(number).replayID,
            entity: "Sample__c", change: "update", recordID: ReplayEvents.recordID(number), time: ReplayEvents.time(number))
    }

    /// Of event 0, which has come.
    private static func standing(_ bench: ReplayBench, isDeferred: Bool = false) async throws -> Delivery {
        try await bench.live(0..<1)
        return Delivery.unrendered(
            id: try #require(bench.sink.delivered.first), rule: "sample-changed", destination: "hook",
            lane: ReplayEvents.recordID(0), origin: try origin(0), reason: "absent",
            retry: RetryLimits(onError: isDeferred ? .deadletter : .pause), isDeferred: isDeferred)
    }

    private static func rules(_ changes: (String, String)...) throws -> CurrentRules {
        let text = changes.reduce(IngestBench.rules) { $0.replacing($1.0, with: $1.1) }
        let report = Lint.check([RuleSource(path: "rules.yaml", bytes: Array(text.utf8))])
        return CurrentRules(try #require(report.ruleSet, "\(report.text)"))
    }

    @Test func `another org's event of the same replay ID is not taken for it`() async throws {
        let bench = try await ReplayBench()
        let deferred = try await Self.standing(bench, isDeferred: true)
        // An org whose name comes first.
        let other = Org(
            id: "00D000000000009EAA", alias: "acme", instanceURL: "https://y.my.salesforce.com", isSandbox: false)
        bench.orgs.register(ReplayOrgs.Entry(org: other, schemas: bench.ingest.cache))
        var strange = try ReplayEvents.event(7)
        strange.replayID = try ReplayEvents.event(0).replayID
        var group = CommitGroup()
        group.journal = [
            JournalEntry(
                org: "acme", topic: Make.key.topic, receivedAt: ReplayEvents.time(0), firstReplayID: strange.replayID,
                lastReplayID: strange.replayID, eventCount: 1,
                raw: FetchResponse(events: [strange], pendingNumRequested: 1).encode(), commitTime: ReplayEvents.time(7))
        ]
        try await bench.store.commit(group, wall: ReplayEvents.time(10))
        let renderer = EventRenderer(store: bench.store, orgs: bench.orgs, rules: bench.rules, time: bench.time.source)
        let sink = FakeSink()
        let outcome = await UnrenderedSink(sink: sink, renderer: renderer).attempt(deferred, number: 1)
        #expect(outcome == .delivered(.ok))
        #expect(sink.delivered == [deferred.id])
    }

    /// An outbox with the standing delivery in it, its event in the journal, under rules that were changed since.
    private struct Changed {
        let outbox: Outbox
        let desk: DeadLetterDesk
        let clock = ManualClock()
        private let scratch = Scratch()

        init(
            _ bench: ReplayBench, _ rules: CurrentRules, _ sinks: [String: FakeSink],
            isDeferred: Bool = false, observer: (any AttemptObserver)? = nil
        ) async throws {
            let store = try Store(path: scratch.store, wall: clock.wall)
            let time = bench.time.source
            outbox = Outbox(
                store: store, clock: clock.source, logger: .quiet, observer: observer,
                renderer: EventRenderer(store: store, orgs: bench.orgs, rules: rules, time: time))
            desk = DeadLetterDesk(store: store, outbox: outbox, orgs: bench.orgs, rules: rules, version: "test", time: time)
            try await outbox.start(sinks.map { DispatchDestination(name: $0.key, sink: $0.value, concurrency: 4) })
            let standing = try await RenderedAnewTests.standing(bench, isDeferred: isDeferred)
            let raw = FetchResponse(events: [try ReplayEvents.event(0)], pendingNumRequested: 1).encode()
            try await outbox.accept(Make.batch([standing], cursor: 0, raw: raw))
            try await run("it is judged") { await outbox.status().destinations.allSatisfy { $0.pending == 0 } }
            await outbox.flush()
        }

        func run(_ what: String, until isDone: () async -> Bool) async throws {
            try await clock.run(what, busy: { [outbox] in await outbox.isBusy }, until: isDone)
        }

        func letters() async throws -> [DeadLetter] { try await outbox.store.deadLetters() }
    }

    @Test func `what its rule sends elsewhere by now goes to no wrong receiver, and to the right one when asked for`() async throws {
        let bench = try await ReplayBench()
        let hook = "  hook: {kind: webhook, url: \"https://hooks.example.com/x\"}"
        let rules = try Self.rules(
            (hook, hook + "\n  erp: {kind: webhook, url: \"https://erp.example.com/x\"}"),
            ("destination: hook", "destination: erp"))
        let sinks = ["hook": FakeSink(), "erp": FakeSink()]
        let changed = try await Changed(bench, rules, sinks)
        #expect(sinks.values.allSatisfy { $0.attempts.isEmpty })
        let letter = try #require(try await changed.letters().first)
        #expect(letter.reason == .rendering && letter.detail.contains("today's rules send it to erp"), "\(letter)")
        #expect(try await changed.desk.retry(DeadLetterRetry(DeadLetterFilter())).count == 1)
        try await changed.run("it is sent") { !sinks["erp"]!.delivered.isEmpty }
        #expect(sinks["erp"]!.delivered == [letter.delivery.id] && sinks["hook"]!.attempts.isEmpty)
    }

    @Test func `the request that was built at last stands in the dead letter, and is what observers are told of`() async throws {
        let bench = try await ReplayBench()
        let note = AttemptNote(status: 400, reason: "no such order")
        let observer = SeenAttempts()
        let sinks = ["hook": FakeSink { _, _ in .park(note) }]
        let changed = try await Changed(bench, try Self.rules(), sinks, isDeferred: true, observer: observer)
        let letter = try #require(try await changed.letters().first)
        #expect(letter.reason == .rejected && letter.detail.contains("no such order"), "\(letter)")
        let body = String(decoding: letter.delivery.body, as: UTF8.self)
        #expect(body.contains(ReplayEvents.recordID(0)) && letter.delivery.unrenderedReason == nil)
        #expect(observer.seen.withLock { $0 } == [letter.delivery])
    }

    @Test func `what its rule gathers by now does not stand for ever, and is gathered when asked for`() async throws {
        let bench = try await ReplayBench()
        let rules = try Self.rules(
            ("body: {id: \"${recordId}\", name: \"${record.?Name}\"}", "body: {n: \"${batch.count}\"}\n      coalesce: {quiet: 1s}"))
        let sinks = ["hook": FakeSink()]
        let changed = try await Changed(bench, rules, sinks)
        #expect(sinks["hook"]!.attempts.isEmpty)
        #expect(try await changed.letters().first?.detail.contains("today's rules gather its event") == true)
        #expect(try await changed.desk.retry(DeadLetterRetry(DeadLetterFilter())).count == 1)
        await changed.outbox.flush()
        #expect(await changed.outbox.status().destinations.map(\.pending) == [1], "a claim")
        #expect(try await changed.letters().isEmpty && sinks["hook"]!.attempts.isEmpty)
    }

    @Test func `a gap event that was read back, and could not be rendered, is once its rule is mended`() async throws {
        let time = ManualTime(start: 1_760_000_000_123)
        let org = SimulatedOrg(records: 3, time: time)
        let broken = BackfillBench.rules.replacing("n: \"${record.?Name}\"", with: "n: \"${record.Missing__c}\"")
            .replacing("      destination: hook\n", with: "      destination: hook\n      onError: pause\n")
        let backfill = try await BackfillBench(org, ReceivedRecords(), readsGaps: true, rules: broken)
        org.change(1, isGap: true)
        try await backfill.stream()
        let bench = backfill.bench
        while try await bench.rows().isEmpty {
            for _ in 0..<200 { await Task.yield() }
            time.advance(by: .milliseconds(100))
            bench.clock.advance(by: 100)
        }
        await bench.outbox.flush()
        let rows = try await bench.store.pending([
            OutboxRead(destination: "hook", isGathered: false, after: 0, limit: 10)
        ])[0]
        let paused = try #require(rows.first?.delivery)
        let report = Lint.check([RuleSource(path: "rules.yaml", bytes: Array(BackfillBench.rules.utf8))])
        let rules = CurrentRules(try #require(report.ruleSet, "\(report.text)"))
        let record = ReadRecord(fields: ["Id": .string(SimulatedOrg.id(1)), "Name": .string("1")])
        let finder = FactFinder(source: record, time: time.source, log: .quiet)
        let orgs = ReplayOrgs(store: bench.store)
        orgs.register(
            ReplayOrgs.Entry(
                org: IngestBench.org,
                schemas: SchemaCache(store: bench.store, time: time.source) { _ in SampleEvents.schemaJSON },
                completeNow: { event, result, rules in try await finder.complete(event, result, by: rules, .never) }))
        let renderer = EventRenderer(store: bench.store, orgs: orgs, rules: rules, time: time.source)
        guard case .ready(let rendered) = await renderer.render(paused) else {
            Issue.record("it is not rendered: \(await renderer.render(paused))")
            return
        }
        #expect(rendered.id == paused.id && !rendered.body.isEmpty)
    }
}

private final class SeenAttempts: AttemptObserver {
    let seen = Mutex<[Delivery]>([])

    func attempted(
        _ delivery: Delivery, number: Int, outcome: AttemptOutcome, milliseconds: Int64, at now: Moment
    ) {
        seen.withLock { $0.append(delivery) }
    }
}

private struct ReadRecord: FactSource {
    var fields: Fields
    func record(entity: String, id: String, fields: [String]?) async throws(FactFailure) -> Fields? { self.fields }
    func flows(of owner: FlowOwner, received: Int64) async throws(FactFailure) -> [FlowFacts] { [] }
}
