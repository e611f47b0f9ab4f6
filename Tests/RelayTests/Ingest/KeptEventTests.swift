import Events
import Rules
import Salesforce
import Store
import Synchronization
import Testing
import TestSupport

@testable import Relay

/// What has no request yet is rendered from its own event: the journal may have pruned it, or keep nothing at all.
@Suite(.timeLimit(.minutes(5))) struct KeptEventTests {
    /// A relay that keeps no journal.
    private final class Relay {
        let bench: Bench
        let orgs: ReplayOrgs
        let rules: CurrentRules
        private let ingest: Ingest
        let desk: DeadLetterDesk
        private let time = ManualTime(start: ReplayBench.now, autoAdvance: true)

        init(_ text: String, _ facts: any FactSource) async throws {
            var limits = StoreLimits()
            limits.journalBytes = 0
            rules = try Self.rules(text)
            let scratch = Scratch()
            let store = try Store(path: scratch.store, limits: limits, wall: ManualClock().wall)
            orgs = ReplayOrgs(store: store)
            bench = try await Bench(
                scratch: scratch, store: store,
                renderer: EventRenderer(store: store, orgs: orgs, rules: rules, time: time.source))
            let schemas = SchemaCache(store: store, time: time.source) { _ in SampleEvents.schemaJSON }
            let finder = FactFinder(source: facts, time: time.source, log: .quiet)
            orgs.register(
                ReplayOrgs.Entry(
                    org: IngestBench.org, schemas: schemas,
                    completeNow: { event, result, rules in try await finder.complete(event, result, by: rules, .never) }))
            ingest = Ingest(
                org: IngestBench.org, schemas: schemas, rules: rules, outbox: bench.outbox,
                reports: StreamReports(org: "prod", store: store, time: time.source, log: .quiet), facts: facts,
                gate: QuarantineGate(store: store, time: time.source), observer: nil, time: time.source, log: .quiet)
            desk = DeadLetterDesk(store: store, outbox: bench.outbox, orgs: orgs, rules: rules, version: "test", time: time.source)
        }

        static func rules(_ text: String) throws -> CurrentRules {
            let report = Lint.check([RuleSource(path: "rules.yaml", bytes: Array(text.utf8))])
            return CurrentRules(try #require(report.ruleSet, "\(report.text)"))
        }

        func come(_ numbers: Range<Int>) async throws {
            let events = try numbers.map { try ReplayEvents.event($0) }
            _ = try await ingest.accept(
                ReceivedBatch(
                    topic: Make.key.topic, events: events, bytes: [1], replayID: events.last!.replayID,
                    receivedAt: ReplayEvents.time(numbers.upperBound)))
            await bench.outbox.flush()
        }
    }

    private static let reads = IngestBench.rules.replacing(
        "    onGap: skip\n", with: "    onGap: skip\n    needs: {fields: [Size__c], missing: fetch}\n"
    ).replacing("${record.?Name}", with: "${record.Size__c}")

    @Test func `deliveries that wait for their records go out without a journal, and take their events along`() async throws {
        let facts = SwitchedFacts()
        let relay = try await Relay(Self.reads, facts)
        try await relay.come(0..<3)
        #expect(relay.bench.sink.attempts.isEmpty)
        #expect(try await relay.bench.store.keptCount() == 3)
        #expect(try await relay.bench.store.journalSize().rows == 0)
        facts.isUp.store(true, ordering: .relaxed)
        try await relay.bench.run("they are sent") { relay.bench.sink.delivered.count == 3 }
        await relay.bench.outbox.flush()
        #expect(try await relay.bench.store.keptCount() == 0)
        #expect(try await relay.bench.store.deadLetters().isEmpty)
    }

    @Test func `they are found under another name of their org, and wait until it has signed in`() async throws {
        let named = IngestBench.rules.replacing("    onGap: skip\n", with: "    onGap: skip\n    when: org.alias == 'renamed'\n")
        let facts = SwitchedFacts()
        let relay = try await Relay(Self.reads, facts)
        try await relay.come(0..<1)
        let rows = try await relay.bench.store.pending([
            OutboxRead(destination: "hook", isGathered: false, after: 0, limit: 9)
        ])[0]
        let deferred = try #require(rows.first?.delivery)
        let orgs = ReplayOrgs(store: relay.bench.store, expected: ["renamed"])
        let renderer = EventRenderer(
            store: relay.bench.store, orgs: orgs, rules: try Relay.rules(named), time: relay.bench.clock.source)
        // Its cursor still has the old name, by which no rule wants the event.
        #expect(await renderer.render(deferred) == .later("the org prod is not in sluice.yaml"))
        try await relay.bench.store.renameOrg("prod", to: "renamed")
        guard case .ready(let rendered) = await renderer.render(deferred) else {
            Issue.record("\(await renderer.render(deferred))")
            return
        }
        #expect(rendered.id == deferred.id && !rendered.body.isEmpty)
    }

    @Test func `a dead letter of a rule that failed can be sent for as long as it is there`() async throws {
        let broken = IngestBench.rules.replacing("${record.?Name}", with: "${record.Missing__c}")
        let relay = try await Relay(broken, SwitchedFacts())
        try await relay.come(0..<2)
        #expect(try await relay.bench.store.deadLetters().map(\.reason) == [.rendering, .rendering])
        let early = try await relay.desk.retry(DeadLetterRetry(DeadLetterFilter()))
        #expect(early.count == 0 && early.skipped.allSatisfy { $0.reason.contains("still cannot be rendered") })
        relay.rules.replace(by: try Relay.rules(IngestBench.rules).current)
        #expect(try await relay.desk.retry(DeadLetterRetry(DeadLetterFilter())).count == 2)
        try await relay.bench.run("they are sent") { relay.bench.sink.delivered.count == 2 }
        await relay.bench.outbox.flush()
        #expect(try await relay.bench.store.keptCount() == 0)
    }
}

/// Records that cannot be read until it is up.
private final class SwitchedFacts: FactSource {
    let isUp = Atomic(false)

    func record(entity: String, id: String, fields: [String]?) async throws(FactFailure) -> Fields? {
        guard isUp.load(ordering: .relaxed) else { throw FactFailure(reason: "503", isTemporary: true) }
        return ["Size__c": .string("XL")]
    }

    func flows(of owner: FlowOwner, received: Int64) async throws(FactFailure) -> [FlowFacts] { [] }
}
