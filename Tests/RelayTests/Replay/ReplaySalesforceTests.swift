import Events
import FoundationEssentials
import PubSub
import Salesforce
import Store
import Synchronization
import Testing

@testable import Relay

@Suite(.timeLimit(.minutes(15))) struct ReplaySalesforceTests {
    /// Keeps events as Salesforce does, and sends those after the ID that a stream asks for.
    private final class Kept: PubSubCalls {
        let events: [ConsumerEvent]
        let refuses: Bool
        /// Each response comes twice.
        let repeats: Bool
        private let log = Mutex<[FetchRequest]>([])

        init(_ events: [ConsumerEvent], refuses: Bool = false, repeats: Bool = false) {
            self.events = events
            self.repeats = repeats
            self.refuses = refuses
        }

        var requests: [FetchRequest] { log.withLock { $0 } }

        func subscribe(_ session: Session) async throws(StreamFailure) -> any FetchStream { KeptStream(owner: self) }

        func topic(_ name: String, _ session: Session) async throws(StreamFailure) -> TopicInfo { TopicInfo(topicName: name) }

        func schema(_ id: String, _ session: Session) async throws(StreamFailure) -> SchemaInfo {
            SchemaInfo(schemaJSON: "{}", schemaID: id)
        }

        func asked(_ request: FetchRequest) { log.withLock { $0.append(request) } }
    }

    private actor KeptStream: FetchStream {
        private let owner: Kept
        private var rest: [ConsumerEvent] = []
        private var last: FetchResponse?
        private var isCancelled = false

        init(owner: Kept) { self.owner = owner }

        func request(_ request: FetchRequest) {
            owner.asked(request)
            guard !request.topicName.isEmpty else { return }
            let start = owner.events.firstIndex { $0.replayID == request.replayID }.map { $0 + 1 } ?? 0
            rest = Array(owner.events[start...])
        }

        func next() async throws(StreamFailure) -> FetchedBatch? {
            if owner.refuses { throw StreamFailure(reaction: .replayInvalid, reason: "replayid.corrupted") }
            if owner.repeats, let again = last {
                last = nil
                return FetchedBatch(response: again, bytes: again.encode())
            }
            if rest.isEmpty {
                let keepalive = FetchResponse(latestReplayID: Make.replayID(9_999), pendingNumRequested: 100)
                return FetchedBatch(response: keepalive, bytes: [])
            }
            let response = FetchResponse(events: Array(rest.prefix(9)), pendingNumRequested: 60)
            rest.removeFirst(min(9, rest.count))
            last = response
            return FetchedBatch(response: response, bytes: response.encode())
        }

        func cancel() { isCancelled = true }
    }

    private func bench(_ kept: Kept) async throws -> ReplayBench {
        let bench = try await ReplayBench()
        try await bench.live(90..<100)
        bench.orgs.register(entry(kept, bench))
        return bench
    }

    private func entry(_ kept: Kept, _ bench: ReplayBench) -> ReplayOrgs.Entry {
        let session = Session(
            accessToken: Secret("t"), instanceURL: IngestBench.org.instanceURL, orgID: OrgID("00D000000000001EAA")!)
        let authenticator = Authenticator(time: bench.time.source) { () async throws(SignInError) in session }
        return ReplayOrgs.Entry(
            org: IngestBench.org, schemas: bench.ingest.cache,
            connection: ReplayOrgs.Connection(calls: kept, authenticator: authenticator))
    }

    @Test func `what began before the org signed in is decoded with the org's schemas`() async throws {
        let bench = try await ReplayBench()
        // A relay that was killed has a cursor; the schema of these events it never had.
        var group = CommitGroup()
        group.cursors[Make.key] = Make.cursor(99)
        try await bench.store.commit(group, wall: 0)
        let orgs = ReplayOrgs(store: bench.store, expected: [Make.key.org])
        let service = ReplayService(
            ReplayParts(
                store: bench.store, outbox: bench.bench.outbox, rules: bench.rules, orgs: orgs, time: bench.time.source,
                log: .quiet))
        var request = ReplayRequest(.earliest)
        request.source = .salesforce
        let planner = ReplayPlanner(store: bench.store, knownRules: [], knownDestinations: [], now: ReplayBench.now)
        let plan = [UInt8](try JSONEncoder().encode(try await planner.plan(request)))
        let record = ReplayRecord(id: "rp00c0ffee", plan: plan, state: .running, detail: "", createdAt: 0, updatedAt: 0)
        try await service.begin(record)
        try await bench.bench.run("it waits") { await service.tracker(record.id)?.waits.contains("not signed in") == true }
        orgs.register(entry(Kept(try (0..<20).map { try ReplayEvents.event($0) }), bench))
        try await bench.ended(record.id)
        #expect(bench.replayed(by: record.id).sorted() == Array(0..<20))
    }

    @Test func `replays that wait for their org's sign-in keep no other org's waiting`() async throws {
        let bench = try await ReplayBench()
        var silent = Make.cursor(99)
        silent.key = Cursor.Key(org: "silent", topic: Make.key.topic)
        silent.orgID = "00D000000000009EAA"
        var group = CommitGroup()
        group.cursors = [Make.key: Make.cursor(99), silent.key: silent]
        try await bench.store.commit(group, wall: 0)
        let orgs = ReplayOrgs(store: bench.store, expected: [Make.key.org, "silent"])
        orgs.register(entry(Kept(try (0..<20).map { try ReplayEvents.event($0) }), bench))
        let service = ReplayService(
            ReplayParts(
                store: bench.store, outbox: bench.bench.outbox, rules: bench.rules, orgs: orgs, time: bench.time.source,
                log: .quiet))
        let planner = ReplayPlanner(store: bench.store, knownRules: [], knownDestinations: [], now: ReplayBench.now)
        for (number, org) in ["silent", "silent", "silent", "silent", "silent", Make.key.org].enumerated() {
            var request = ReplayRequest(.earliest)
            request.source = .salesforce
            request.org = org
            let plan = [UInt8](try JSONEncoder().encode(try await planner.plan(request)))
            try await service.begin(
                ReplayRecord(id: "rp0000000\(number)", plan: plan, state: .running, detail: "", createdAt: 0, updatedAt: 0))
        }
        try await bench.ended("rp00000005")
        #expect(bench.replayed(by: "rp00000005").sorted() == Array(0..<20))
        #expect(await service.waits("rp00000004"))
        await service.stop()
        await service.idle()
    }

    @Test func `a replay of an org that is not configured any more ends, and can be resumed`() async throws {
        let bench = try await ReplayBench()
        var group = CommitGroup()
        group.cursors[Make.key] = Make.cursor(99)
        try await bench.store.commit(group, wall: 0)
        let orgs = ReplayOrgs(store: bench.store, expected: ["another"])
        let service = ReplayService(
            ReplayParts(
                store: bench.store, outbox: bench.bench.outbox, rules: bench.rules, orgs: orgs, time: bench.time.source,
                log: .quiet))
        var request = ReplayRequest(.earliest)
        request.source = .salesforce
        let planner = ReplayPlanner(store: bench.store, knownRules: [], knownDestinations: [], now: ReplayBench.now)
        let plan = [UInt8](try JSONEncoder().encode(try await planner.plan(request)))
        try await service.begin(
            ReplayRecord(id: "rp00c0ffee", plan: plan, state: .running, detail: "", createdAt: 0, updatedAt: 0))
        // It may be the old name of one that has not signed in.
        try await bench.bench.run("it waits") {
            await service.tracker("rp00c0ffee")?.waits.contains("has not signed in") == true
        }
        var another = IngestBench.org
        another.alias = "another"
        orgs.register(ReplayOrgs.Entry(org: another, schemas: bench.ingest.cache))
        try await bench.ended("rp00c0ffee")
        let record = try #require(try await bench.store.replay("rp00c0ffee"))
        #expect(record.state == .failed && record.detail.contains("the org \(Make.key.org) is not in sluice.yaml"))
        bench.orgs.register(entry(Kept(try (0..<20).map { try ReplayEvents.event($0) }), bench))
        let _: ReplayView = try await bench.ask("replay.resume", NamedReplay(id: "rp00c0ffee"))
        try await bench.ended("rp00c0ffee")
        #expect(bench.replayed(by: "rp00c0ffee").sorted() == Array(0..<20))
    }

    @Test func `a schema that is not stored is waited for only where an org is to sign in`() async throws {
        let bench = try await ReplayBench()
        var group = CommitGroup()
        group.cursors[Make.key] = Make.cursor(99)
        try await bench.store.commit(group, wall: 0)
        let id = try ReplayEvents.schemaID()
        func isTemporary(_ orgs: ReplayOrgs, isPatient: Bool) async throws -> Bool? {
            let entry = try #require(try await orgs.entry(Make.key.org, isPatient: isPatient))
            do throws(SchemaSource.Failure) {
                _ = try await entry.schemas.schema(id)
                return nil
            } catch {
                if case .temporary = error { return true }
                return false
            }
        }
        #expect(try await isTemporary(ReplayOrgs(store: bench.store), isPatient: true) == false)
        let expecting = ReplayOrgs(store: bench.store, expected: [Make.key.org])
        #expect(try await isTemporary(expecting, isPatient: false) == false)
        let entry = try #require(try await expecting.entry(Make.key.org, isPatient: true))
        #expect(try await isTemporary(expecting, isPatient: true) == true)
        expecting.register(self.entry(Kept([]), bench))
        // The one that began without it has it now.
        _ = try await entry.schemas.schema(id)
    }

    @Test func `what the journal does not have comes from Salesforce, without touching the live cursor`() async throws {
        let kept = Kept(try (0..<100).map { try ReplayEvents.event($0) })
        let bench = try await bench(kept)
        let before = try await bench.bench.storedCursor()
        let view = try await bench.replay(ReplayRequest(.replayID(Make.replayID(29).description)))
        #expect(view.state == .done && view.topics[0].source == .salesforce)
        #expect(view.statements.contains { $0.contains("delivery allocation") })
        #expect(bench.replayed(by: view.id).sorted() == Array(30..<100))
        #expect(kept.requests[0].replayPreset == .custom && kept.requests[0].replayID == Make.replayID(29))
        #expect(try await bench.bench.storedCursor() == before)
    }

    @Test func `by time it passes over what is older`() async throws {
        let kept = Kept(try (0..<100).map { try ReplayEvents.event($0) })
        let bench = try await bench(kept)
        var request = ReplayRequest(.time(ReplayEvents.time(61)))
        request.until = ReplayEvents.time(70)
        request.source = .salesforce
        let view = try await bench.replay(request)
        #expect(bench.replayed(by: view.id).sorted() == Array(61..<70))
        #expect(kept.requests[0].replayPreset == .earliest)
    }

    @Test func `one that is resumed long after it was asked for brings nothing that came since`() async throws {
        let bench = try await bench(Kept(try (0..<100).map { try ReplayEvents.event($0) }))
        var request = ReplayRequest(.earliest)
        request.source = .salesforce
        let planner = ReplayPlanner(store: bench.store, knownRules: [], knownDestinations: [], now: ReplayBench.now)
        var plan = try await planner.plan(request)
        // As if it had been asked for then: no event of that moment is known as the last one.
        plan.topics[0].last = nil
        plan.topics[0].stopTime = ReplayEvents.time(40)
        let record = ReplayRecord(
            id: "rp00c0ffee", plan: [UInt8](try JSONEncoder().encode(plan)), state: .running, detail: "", createdAt: 0,
            updatedAt: 0)
        try await bench.service.begin(record)
        try await bench.ended(record.id)
        #expect(bench.replayed(by: record.id).sorted() == Array(0..<40))
    }

    /// A response without a new event is no keepalive.
    @Test func `goes on after events that come twice`() async throws {
        let bench = try await bench(Kept(try (0..<100).map { try ReplayEvents.event($0) }, repeats: true))
        var request = ReplayRequest(.earliest)
        request.source = .salesforce
        let view = try await bench.replay(request)
        #expect(view.state == .done)
        #expect(bench.replayed(by: view.id).sorted() == Array(0..<100))
    }

    @Test func `a clock that is behind Salesforce's does not end it early`() async throws {
        let bench = try await bench(Kept([]))
        var request = ReplayRequest(.earliest)
        request.source = .salesforce
        let planner = ReplayPlanner(
            store: bench.store, knownRules: [], knownDestinations: [], now: ReplayEvents.time(0) - 3_600_000)
        let plan = try await planner.plan(request)
        #expect(try #require(plan.topics[0].stopTime) > ReplayEvents.time(99))
    }

    @Test func `a replay ID that Salesforce refuses ends the replay with the reason`() async throws {
        let bench = try await bench(Kept([], refuses: true))
        let view = try await bench.replay(ReplayRequest(.replayID(Make.replayID(5_000).description)))
        #expect(view.state == .failed && view.detail.contains("replayid.corrupted"))
        #expect(view.detail.contains("--since") && !view.detail.contains("sluice.yaml"), "the live topic is well")
    }
}
