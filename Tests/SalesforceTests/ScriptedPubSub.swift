import Events
import PubSub
import Synchronization

@testable import Salesforce

/// The Pub/Sub API, from a script: each `subscribe` plays the next list of steps.
final class ScriptedPubSub: PubSubCalls {
    enum Step: Sendable {
        case batch([ConsumerEvent], pending: Int32)
        case keepalive(ReplayID)
        case fail(StreamFailure)
        /// Says nothing until the stream is cancelled.
        case silence
        /// Alone: the call is not opened at all.
        case refuse(StreamFailure)
    }

    private struct State {
        var scripts: [[Step]]
        var requests: [[FetchRequest]] = []
        var sessions: [Session] = []
        var abandoned = 0
    }

    private let state: Mutex<State>

    init(_ scripts: [[Step]]) { state = Mutex(State(scripts: scripts)) }

    /// By stream, in order.
    var requests: [[FetchRequest]] { state.withLock { $0.requests } }
    var sessions: [Session] { state.withLock { $0.sessions } }
    /// Connections that are not to be used for what follows.
    var abandoned: Int { state.withLock { $0.abandoned } }

    func subscribe(_ session: Session) async throws(StreamFailure) -> any FetchStream {
        let (index, steps) = state.withLock { state in
            state.sessions.append(session)
            state.requests.append([])
            return (state.requests.count - 1, state.scripts.isEmpty ? [.silence] : state.scripts.removeFirst())
        }
        if case .refuse(let failure)? = steps.first { throw failure }
        return ScriptedStream(steps: steps) { [self] in state.withLock { $0.abandoned += 1 } } record: { [self] request in
            state.withLock { $0.requests[index].append(request) }
        }
    }

    func subscribe(
        _ session: Session, managed: ManagedSubscription
    ) async throws(StreamFailure) -> any ManagedFetchStream {
        guard let stream = try await subscribe(session) as? ScriptedStream else { preconditionFailure("another stream") }
        return stream
    }

    func topic(_ name: String, _ session: Session) async throws(StreamFailure) -> TopicInfo { TopicInfo(topicName: name) }

    func schema(_ id: String, _ session: Session) async throws(StreamFailure) -> SchemaInfo {
        SchemaInfo(schemaJSON: "{}", schemaID: id)
    }
}

private actor ScriptedStream: ManagedFetchStream {
    private var steps: [ScriptedPubSub.Step]
    private let record: @Sendable (FetchRequest) -> Void
    private let whenAbandoned: @Sendable () -> Void
    private var isCancelled = false
    private var isPeerDone = false
    private var waiting: CheckedContinuation<Void, Never>?

    init(steps: [ScriptedPubSub.Step], abandon: @escaping @Sendable () -> Void, record: @escaping @Sendable (FetchRequest) -> Void) {
        self.steps = steps
        whenAbandoned = abandon
        self.record = record
    }

    /// Like a real stream, refuses once the peer has ended it, even if responses are still to be read.
    func request(_ request: FetchRequest) async throws(StreamFailure) {
        if isPeerDone, case .fail(let failure)? = steps.last { throw failure }
        record(request)
    }

    func commit(_ request: CommitReplayRequest) async throws(StreamFailure) {}

    func next() async throws(StreamFailure) -> FetchedBatch? {
        isPeerDone = true
        let step = steps.isEmpty ? .silence : steps.removeFirst()
        switch step {
        case .batch(let events, let pending):
            return fetched(FetchResponse(events: events, pendingNumRequested: pending))
        case .keepalive(let id):
            return fetched(FetchResponse(latestReplayID: id, pendingNumRequested: 100))
        case .fail(let failure), .refuse(let failure): throw failure
        case .silence:
            await withTaskCancellationHandler {
                if !isCancelled, !Task.isCancelled { await withCheckedContinuation { waiting = $0 } }
            } onCancel: {
                Task { await self.wake() }
            }
            throw StreamFailure(reaction: .reconnect(minimum: .zero), reason: "CANCELLED")
        }
    }

    func cancel() async {
        isCancelled = true
        wake()
    }

    func abandon() async {
        whenAbandoned()
        await cancel()
    }

    private func wake() {
        waiting?.resume()
        waiting = nil
    }

    private func fetched(_ response: FetchResponse) -> FetchedBatch {
        FetchedBatch(response: response, bytes: response.encode())
    }
}

/// Keeps what a subscription hands over, and lets a test wait for it.
actor RecordingHost: SubscriptionHost {
    nonisolated let room = Mutex(true)
    private(set) var batches: [ReceivedBatch] = []
    private(set) var statuses: [StreamStatus] = []
    private(set) var statements: [ResumeStatement] = []
    private var blocked: CheckedContinuation<Void, Never>?
    private var blocks: Bool
    private var refusals: Int

    /// - Parameters:
    ///   - blocks: batches wait until `unblock`, or until the stream is parked.
    ///   - refusals: so many batches are not taken.
    init(blocks: Bool = false, refusals: Int = 0) {
        self.blocks = blocks
        self.refusals = refusals
    }

    nonisolated var hasRoom: Bool { room.withLock { $0 } }

    func accept(_ batch: ReceivedBatch) async throws -> Int64? {
        if refusals > 0 {
            refusals -= 1
            throw NotTaken()
        }
        batches.append(batch)
        if blocks { await withCheckedContinuation { blocked = $0 } }
        return nil
    }

    func unblock() {
        blocks = false
        blocked?.resume()
        blocked = nil
    }

    func changed(_ status: StreamStatus, topic: String) async {
        statuses.append(status)
        guard status.state == .parked else { return }
        // Room comes while this status is still being written.
        unblock()
        for _ in 0..<50 { await Task.yield() }
    }

    func stated(_ statement: ResumeStatement, topic: String) async { statements.append(statement) }

    struct NotTaken: Error {}

    var replayIDs: [ReplayID] { batches.flatMap { $0.events.map(\.replayID) } }
}
