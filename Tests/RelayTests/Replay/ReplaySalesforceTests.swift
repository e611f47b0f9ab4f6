import Events
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
        let session = Session(
            accessToken: Secret("t"), instanceURL: IngestBench.org.instanceURL, orgID: OrgID("00D000000000001EAA")!)
        let authenticator = Authenticator(time: bench.time.source) { () async throws(SignInError) in session }
        bench.orgs.register(
            ReplayOrgs.Entry(
                org: IngestBench.org, schemas: bench.ingest.cache,
                connection: ReplayOrgs.Connection(calls: kept, authenticator: authenticator)))
        return bench
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
