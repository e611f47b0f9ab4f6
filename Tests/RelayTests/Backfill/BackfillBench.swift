import ChangeEvents
import Events
import FoundationEssentials
import Logging
import Rules
import Salesforce
import SalesforceREST
import Store
import Synchronization
import Testing
import TestSupport

@testable import Relay

/// What a receiver ends up with. A delivery that comes again, by its ID, is ignored, as receivers are told to do.
final class ReceivedRecords: Sendable {
    struct State {
        var ids: Set<String> = []
        /// By record; -1 is deleted.
        var numbers: [String: Int] = [:]
        /// An older value came after a newer one.
        var regressions: [String] = []
        var types: [String: Int] = [:]
        /// Deliveries by record.
        var counts: [String: Int] = [:]
    }

    private let state = Mutex(State())

    var numbers: [String: Int] { state.withLock { $0.numbers } }
    var regressions: [String] { state.withLock { $0.regressions } }
    /// Deliveries by `header.changeType`.
    var types: [String: Int] { state.withLock { $0.types } }
    var counts: [String: Int] { state.withLock { $0.counts } }

    var sink: FakeSink {
        FakeSink { [self] delivery, _ in
            take(delivery)
            return .delivered(.ok)
        }
    }

    private func take(_ delivery: Delivery) {
        guard let body = try? JSONDecoder().decode(Body.self, from: Data(delivery.body)) else { return }
        state.withLock { state in
            guard state.ids.insert(delivery.id).inserted else { return }
            state.types[body.type, default: 0] += 1
            state.counts[body.id, default: 0] += 1
            let number = body.change == "delete" ? -1 : Int(body.n ?? "") ?? -2
            let last = state.numbers[body.id]
            if let last, number != -1, number < last || last == -1 {
                state.regressions.append("\(body.id): \(number) (\(body.type)) after \(last)")
            }
            state.numbers[body.id] = number
        }
    }

    private struct Body: Decodable {
        var id: String
        var n: String?
        var change: String
        var type: String
    }
}

/// One life of a relay: its store, outbox, ingest and backfills, over an org and a receiver that outlive it.
struct BackfillBench {
    static let topic = Cursor.Key(org: "prod", topic: "/data/Sample__ChangeEvent")
    static let rules = """
        sluice: 1
        destinations:
          hook: {kind: webhook, url: "https://hooks.example.com/x"}
        rules:
          - id: sample
            match: {entity: Sample__c, change: [create, update, delete, undelete]}
            to:
              destination: hook
              body:
                id: "${recordId}"
                n: "${record.?Name}"
                change: "${event.change}"
                type: "${header.changeType}"

        """

    let org: SimulatedOrg
    let bench: Bench
    let ingest: Ingest
    let service: BackfillService
    let routes: [ControlRoute]
    let lines = LogLines()
    /// Nil unless gap events are to be read back.
    let gapReader: GapReconciler?
    private let reading: Task<Void, Never>?

    init(
        _ org: SimulatedOrg, _ receiver: ReceivedRecords, scratch: Scratch = Scratch(), readsGaps: Bool = false,
        bulkFrom: Int = 0, rules text: String = Self.rules
    ) async throws {
        self.org = org
        let time = org.time.source
        bench = try await Bench(scratch: scratch, sink: receiver.sink)
        let report = Lint.check([RuleSource(path: "rules.yaml", bytes: Array(text.utf8))])
        let rules = CurrentRules(try #require(report.ruleSet, "\(report.text)"))
        let gate = SnapshotGate(store: bench.store, time: time)
        let orgs = BackfillOrgs(expected: ["prod"])
        let client = org.client()
        service = BackfillService(
            BackfillParts(
                store: bench.store, outbox: bench.outbox, rules: rules, orgs: orgs, gate: gate, time: time,
                log: lines.logger),
            topics: [Self.topic])
        let cache = SchemaCache(store: bench.store, time: time) { _ throws(SchemaSource.Failure) in
            SampleEvents.schemaJSON
        }
        let describes = DescribeCache(client)
        let gapReader = !readsGaps ? nil : GapReconciler(
            GapParts(
                store: bench.store, outbox: bench.outbox, rules: rules, gate: gate, org: IngestBench.org, client: client,
                describes: describes, facts: FactFinder(source: NoFacts(), time: time, log: lines.logger),
                topics: [Self.topic], observer: nil, time: time, log: lines.logger))
        self.gapReader = gapReader
        try await gapReader?.restore(cache)
        reading = gapReader.map { reader in Task { await reader.run() } }
        ingest = Ingest(
            org: IngestBench.org, schemas: cache, rules: rules, outbox: bench.outbox,
            reports: StreamReports(org: "prod", store: bench.store, time: time, log: lines.logger), facts: NoFacts(),
            gate: QuarantineGate(store: bench.store), backfills: service, gapReader: gapReader,
            observer: nil, time: time, log: lines.logger)
        routes = BackfillRoutes.make(
            store: bench.store, topics: [Self.topic], rules: rules, service: service, time: time)
        orgs.register(
            BackfillOrgs.Entry(
                org: IngestBench.org, client: client, describes: describes, topics: [Self.topic.topic],
                bulkFrom: bulkFrom))
        try await service.start()
    }

    /// As a command asks.
    func ask<Answer: Decodable>(
        _ route: String, _ request: some Encodable, as _: Answer.Type = Answer.self
    ) async throws -> Answer {
        let route = try #require(routes.first { $0.name == route })
        let bytes = try await route.answer([UInt8](JSONEncoder().encode(request)))
        return try JSONDecoder().decode(Answer.self, from: Data(bytes))
    }

    /// What the stream brings after the stored cursor, up to `count` events of all.
    func stream(upTo count: Int? = nil) async throws {
        let cursor = try await bench.store.cursor(Self.topic)
        try await stream(from: cursor.map { Make.number($0.replayID) } ?? 0, to: count ?? org.stream.count)
    }

    func stream(from: Int, to: Int) async throws {
        let schemaID = try SampleEvents.schemaID()
        for start in stride(from: from, to: to, by: 7) {
            let events = (start..<min(start + 7, to)).map { org.event($0, schemaID: schemaID) }
            _ = try await ingest.accept(
                ReceivedBatch(
                    topic: Self.topic.topic, events: events, bytes: [1], replayID: events.last!.replayID,
                    receivedAt: org.time.source.wall()))
        }
    }

    func keepalive() async throws {
        _ = try await ingest.accept(
            ReceivedBatch(
                topic: Self.topic.topic, events: [], bytes: [], replayID: Make.replayID(org.stream.count),
                receivedAt: org.time.source.wall()))
    }

    /// Everything is delivered and written.
    func settled() async throws {
        try await bench.run("everything is settled") {
            let status = await bench.outbox.status()
            guard status.destinations.allSatisfy({ $0.pending == 0 }), status.unwritten == 0 else { return false }
            return await bench.outbox.isClean
        }
    }

    func ended(_ id: String) async throws -> BackfillView {
        try await bench.run("the backfill has ended") { (try? await bench.store.backfill(id))??.state.isFinal ?? false }
        try await settled()
        return try await ask("backfill.show", NamedBackfill(id: id))
    }

    /// As kill -9 would.
    func crash() async throws {
        reading?.cancel()
        await service.stop()
        try await bench.crash()
        await reading?.value
        await service.idle()
    }
}

extension SimulatedOrg {
    /// What every receiver has to end with: records that some event or read told of.
    var truth: [String: Int] {
        Dictionary(
            uniqueKeysWithValues: records.enumerated().map { (Self.id($0), $1.isDeleted ? -1 : $1.number) })
    }
}
