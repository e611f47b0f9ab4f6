import Curl
import Events
import FoundationEssentials
import PubSub
import Rules
import Salesforce
import Settings
import Store
import Synchronization
import Testing
import TestSupport

@testable import Relay

/// An org that moves to another instance, or a sandbox that is refreshed, while the relay runs.
@Suite(.timeLimit(.minutes(15))) struct OrgMoveTests {
    private static let first = "https://a.my.salesforce.com"
    private static let second = "https://b.my.salesforce.com"

    @Test(arguments: [("00D000000000001EAA", OrgChangeConfiguration.stop), ("00D000000000002EAA", .follow)])
    func `where the org has moved, its replay ID of before is never used`(
        orgID: String, policy: OrgChangeConfiguration
    ) async throws {
        let scratch = Scratch()
        let store = try Store(path: scratch.store, wall: 0)
        let key = Cursor.Key(org: "prod", topic: "/data/ChangeEvents")
        let now = TimeSource.system.wall()
        var group = CommitGroup()
        group.cursors[key] = Self.cursor(key, at: Self.first, now)
        _ = try await store.commit(group, wall: now)
        let pubsub = MovingPubSub(good: Self.second)
        let signIns = Mutex(0)
        let http = ScriptedHTTP { _ in
            let number = signIns.withLock { count in
                count += 1
                return count
            }
            let (url, id) = number == 1 ? (Self.first, "00D000000000001EAA") : (Self.second, orgID)
            return Self.grant("\(id)!\(number)", at: url, of: id)
        }
        let service = try service(store, http, pubsub, policy)
        try await service.start()
        while pubsub.requests(at: Self.second).isEmpty { await Task.yield() }
        #expect(await service.stop(within: .seconds(5)))
        #expect(pubsub.requests(at: Self.first).first?.replayID == ReplayID([7])!)
        let there = pubsub.requests(at: Self.second)
        #expect(there.allSatisfy { $0.replayID == nil } && there.first?.replayPreset == .earliest)
    }

    @Test func `an org that got another name goes on where it was, and its old topics are forgotten`() async throws {
        let scratch = Scratch()
        let store = try Store(path: scratch.store, wall: 0)
        let old = Cursor.Key(org: "emulator", topic: "/data/ChangeEvents")
        let now = TimeSource.system.wall()
        var group = CommitGroup()
        group.cursors[old] = Self.cursor(old, at: Self.second, now)
        group.held = [
            HeldEvent(
                key: HeldEvent.Key(org: "emulator", topic: "/data/ChangeEvents", replayID: ReplayID([6])!, recordID: "001"),
                orgID: "00D000000000001EAA", entity: "Account", schemaID: "s", eventID: "e", payload: [1], receivedAt: now)
        ]
        group.journal = [
            JournalEntry(
                org: "emulator", topic: "/data/ChangeEvents", receivedAt: now, firstReplayID: ReplayID([6])!,
                lastReplayID: ReplayID([7])!, eventCount: 2, raw: [1, 2])
        ]
        try await store.commit(group, wall: now)
        try await store.set(
            StreamState(key: old, state: "off", detail: "", since: 0, lastReceivedAt: nil, reconnects: 0))
        let pubsub = MovingPubSub(good: Self.second)
        let http = ScriptedHTTP { _ in Self.grant("t", at: Self.second, of: "00D000000000001EAA") }
        let service = try service(store, http, pubsub, .stop)
        try await service.start()
        while pubsub.requests(at: Self.second).isEmpty { await Task.yield() }
        #expect(try await store.streamStates().map(\.key.org) == ["prod"])
        // What was held is taken up under the new name: its schema is unknown, so it is put aside.
        #expect(try await store.heldEvents(org: "emulator").isEmpty)
        let taken = try await store.heldEvents(org: "prod").count + store.quarantineCount()
        #expect(taken >= 1)
        #expect(try await store.journalTopics().map(\.org) == ["prod"])
        #expect(try await store.cursors().map(\.key.org) == ["prod"])
        #expect(await service.stop(within: .seconds(5)))
        let first = pubsub.requests(at: Self.second).first
        #expect(first?.replayPreset == .custom && first?.replayID == ReplayID([7])!)
    }

    @Test func `what was read and replayed under the old name goes on under the new one, and nothing is begun again`()
        async throws
    {
        let scratch = Scratch()
        let store = try Store(path: scratch.store, wall: 0)
        let old = Cursor.Key(org: "emulator", topic: "/data/AccountChangeEvent")
        let now = TimeSource.system.wall()
        var group = CommitGroup()
        group.cursors[old] = Self.cursor(old, at: Self.second, now)
        _ = try await store.commit(group, wall: now)
        // As an earlier process left them: a snapshot that the configuration asks for, a re-read, and a replay of two
        // orgs from Salesforce that was under way.
        var snapshot = BackfillPlan(org: "emulator", entity: "Account", topic: old.topic)
        snapshot.isConfigured = true
        snapshot.cause = "snapshot: true in sluice.yaml"
        let done = BackfillRecord(
            id: BackfillService.id(of: ["emulator", "Account", "\(old.topic) snapshot"]),
            plan: BackfillService.json(snapshot), state: .done, createdAt: now)
        var reread = BackfillPlan(org: "emulator", entity: "Contact", topic: old.topic)
        reread.kind = .reread
        reread.since = now
        let open = BackfillRecord(id: "bf00000001", plan: BackfillService.json(reread), createdAt: now)
        for record in [done, open] { try await store.save(record) }
        let plan = ReplayPlan(
            topics: [
                ReplayPlan.Topic(org: "emulator", topic: old.topic, source: .salesforce, since: 5),
                ReplayPlan.Topic(org: "other", topic: old.topic, source: .journal),
            ], rules: ["a"], destinations: [], statements: [])
        let planned = String(decoding: try JSONEncoder().encode(plan), as: UTF8.self)
        try await store.save(
            ReplayRecord(
                id: "rp00000001", plan: Array(planned.utf8), state: .running, detail: "", createdAt: now, updatedAt: now))
        let pubsub = MovingPubSub(good: Self.second)
        let http = ScriptedHTTP { _ in Self.grant("t", at: Self.second, of: "00D000000000001EAA") }
        var topic = TopicConfiguration(name: old.topic)
        topic.snapshot = true
        let service = try service(store, http, pubsub, .stop, topic: topic)
        try await service.start()
        while pubsub.requests(at: Self.second).isEmpty { await Task.yield() }
        let backfills = try await store.backfills()
        #expect(Set(backfills.map(\.id)) == [done.id, open.id])
        #expect(backfills.compactMap { BackfillService.plan(of: $0)?.org } == ["prod", "prod"])
        #expect(await service.backfills.tracker(open.id) != nil)
        let replay = try #require(try await store.replay("rp00000001"))
        #expect(replay.state == .running)
        var expected = plan
        expected.topics[0].org = "prod"
        #expect(try JSONDecoder().decode(ReplayPlan.self, from: Data(replay.plan)) == expected)
        #expect(await service.stop(within: .seconds(5)))
    }

    /// Where an earlier process left a topic.
    private static func cursor(_ key: Cursor.Key, at url: String, _ now: Int64) -> Cursor {
        Cursor(
            key: key, orgID: "00D000000000001EAA", instanceURL: url, replayID: ReplayID([7])!, commitTime: nil, updatedAt: now)
    }

    private static func grant(_ token: String, at url: String, of org: String) -> HTTPResponse {
        let grant = """
            {"access_token":"\(token)","instance_url":"\(url)","token_type":"Bearer",\
            "id":"https://login.salesforce.com/id/\(org)/005000000000001AAA"}
            """
        return HTTPResponse(status: 200, body: Array(grant.utf8))
    }

    private func service(
        _ store: Store, _ http: any HTTPClient, _ pubsub: MovingPubSub, _ policy: OrgChangeConfiguration,
        topic: TopicConfiguration = TopicConfiguration(name: "/data/ChangeEvents")
    ) throws -> RelayService {
        var org = OrgConfiguration(
            alias: "prod", loginURL: Self.first,
            auth: .clientCredentials(clientID: .reference(.env("SF_ID")), clientSecret: .env("SF_SECRET")),
            topics: [topic])
        org.onOrgChange = policy
        var world = RelayWorld()
        world.pubsub = { _ in pubsub }
        return try RelayService(
            Configuration(orgs: [org], rulesPath: "rules", storePath: "", log: LogConfiguration()), ruleSet: .empty,
            store: store, http: http, secrets: SecretStore(environment: ["SF_ID": "key", "SF_SECRET": "secret"]),
            version: "test", world: world, log: .quiet)
    }
}

/// Knows sessions of one place only.
private final class MovingPubSub: PubSubConnection {
    private let good: String
    private let asked = Mutex<[String: [FetchRequest]]>([:])

    init(good: String) { self.good = good }

    func requests(at place: String) -> [FetchRequest] { asked.withLock { $0[place] ?? [] } }

    func subscribe(_ session: Session) async throws(StreamFailure) -> any FetchStream {
        MovingStream(isGood: session.instanceURL == good) { [self] request in
            asked.withLock { $0[session.instanceURL, default: []].append(request) }
        }
    }

    func topic(_ name: String, _ session: Session) async throws(StreamFailure) -> TopicInfo { TopicInfo(topicName: name) }

    func schema(_ id: String, _ session: Session) async throws(StreamFailure) -> SchemaInfo {
        SchemaInfo(schemaJSON: "{}", schemaID: id)
    }

    func publish(_ request: PublishRequest, _ session: Session) async throws(StreamFailure) -> PublishResponse {
        throw StreamFailure(reaction: .reconnect(minimum: .zero), reason: "not here")
    }

    func close() async {}
}

private final class MovingStream: FetchStream {
    private let isGood: Bool
    private let record: @Sendable (FetchRequest) -> Void
    private let ended = AsyncStream.makeStream(of: Void.self)

    init(isGood: Bool, record: @escaping @Sendable (FetchRequest) -> Void) {
        self.isGood = isGood
        self.record = record
    }

    func request(_ request: FetchRequest) async throws(StreamFailure) { record(request) }

    func next() async throws(StreamFailure) -> FetchedBatch? {
        if isGood { for await _ in ended.stream {} }
        throw StreamFailure(reaction: isGood ? .reconnect(minimum: .zero) : .renewSession, reason: "service.auth.error")
    }

    func cancel() async { ended.continuation.finish() }
}
