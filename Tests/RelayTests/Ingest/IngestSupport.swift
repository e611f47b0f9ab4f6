import Events
import Rules
import Salesforce
import Store
import Synchronization
import Testing
import TestSupport

@testable import Relay

/// An ingest over a real store and outbox, a sink that takes everything, and schemas from a script.
struct IngestBench {
    let bench: Bench
    let schemas: ScriptedSchemas
    let cache: SchemaCache
    let ingest: Ingest
    let lines = LogLines()

    static let rules = """
        sluice: 1
        destinations:
          hook: {kind: webhook, url: "https://hooks.example.com/x"}
        rules:
          - id: sample-changed
            match: {entity: Sample__c, change: [create, update, delete, undelete]}
            onGap: skip
            to:
              destination: hook
              body: {id: "${recordId}", name: "${record.?Name}"}

        """

    init(
        scratch: Scratch = Scratch(), time: ManualTime = ManualTime(autoAdvance: true),
        _ answers: [String: [ScriptedSchemas.Answer]] = [:]
    ) async throws {
        bench = try await Bench(scratch: scratch)
        let schemas = ScriptedSchemas(answers)
        self.schemas = schemas
        cache = SchemaCache(store: bench.store, time: time.source) { id throws(SchemaSource.Failure) in
            try schemas.next(id)
        }
        let report = Lint.check([RuleSource(path: "rules.yaml", bytes: Array(Self.rules.utf8))])
        let rules = try #require(report.ruleSet, "\(report.text)")
        ingest = Ingest(
            org: Self.org, schemas: cache, rules: CurrentRules(rules), outbox: bench.outbox,
            reports: StreamReports(org: "prod", store: bench.store, time: time.source, log: lines.logger),
            facts: NoFacts(), gate: QuarantineGate(store: bench.store, time: time.source), observer: nil,
            time: time.source, log: lines.logger)
    }

    static let org = Org(
        id: "00D000000000001EAA", alias: "prod", instanceURL: "https://x.my.salesforce.com", isSandbox: false)

    /// As a subscription hands it over; returns what it was told, once everything is written.
    @discardableResult
    func accept(_ events: [ConsumerEvent], cursor: Int) async throws -> Int64? {
        let time = try await ingest.accept(batch(events, cursor: cursor))
        try await bench.run("the cursor is stored") { (try? await bench.storedCursor()) == cursor }
        return time
    }

    func batch(_ events: [ConsumerEvent], cursor: Int) -> ReceivedBatch {
        ReceivedBatch(
            topic: Make.key.topic, events: events, bytes: [1, 2, 3], replayID: Make.replayID(cursor),
            receivedAt: 1_760_000_000_500)
    }
}

/// What Salesforce answers when a schema is asked for. The last answer stays.
final class ScriptedSchemas: Sendable {
    enum Answer: Sendable {
        case json(String)
        case fail(SchemaSource.Failure)
    }

    private let state: Mutex<(answers: [String: [Answer]], asked: [String])>

    init(_ answers: [String: [Answer]]) { state = Mutex((answers, [])) }

    var asked: [String] { state.withLock { $0.asked } }

    func next(_ id: String) throws(SchemaSource.Failure) -> String {
        let answer = state.withLock { state -> Answer in
            state.asked.append(id)
            let answers = state.answers[id] ?? [.fail(.permanent("there is no schema \(id)"))]
            if answers.count > 1 { state.answers[id] = Array(answers.dropFirst()) }
            return answers[0]
        }
        switch answer {
        case .json(let json): return json
        case .fail(let failure): throw failure
        }
    }
}

/// For rules that ask for nothing beyond the event.
struct NoFacts: FactSource {
    func record(entity: String, id: String, fields: [String]?) async throws(FactFailure) -> Fields? {
        throw FactFailure(reason: "nothing is read in this test", isTemporary: false)
    }

    func flows(of owner: FlowOwner, received: Int64) async throws(FactFailure) -> [FlowFacts] {
        throw FactFailure(reason: "nothing is read in this test", isTemporary: false)
    }
}
