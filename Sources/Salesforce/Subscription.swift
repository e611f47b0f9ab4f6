import Curl
import Events
import Logging
import PubSub

/// One topic's stream, kept alive: connects, resumes after the last event, tops up credit, notices silence, explains
/// every recovery in one log line, and gives up only on what a person must mend.
///
/// It lives on the I/O thread, so that credit is asked for at the moment in which events arrive, whatever else the
/// process computes; what becomes of the events is worked out elsewhere.
package actor Subscription {
    /// Between two looks at the headroom while there is no room.
    static let parkedCheck: Duration = .seconds(60)
    /// How often the org's own count is believed before a connection is tried all the same.
    static let allocationLooks = 12

    private nonisolated let executors: ThreadExecutors
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executors.actors.asUnownedSerialExecutor() }
    let settings: TopicSettings
    private let calls: any PubSubCalls
    let authenticator: Authenticator
    let host: any SubscriptionHost
    let time: TimeSource
    let log: Logger
    let news: OutageNews

    private var alarm = HeadroomAlarm()
    var plan: ResumePlan
    var recent = RecentReplayIDs()
    var backoff = ReconnectBackoff()
    var generator = SystemRandomNumberGenerator()
    var window: FetchWindow
    /// When events were asked for last.
    private var askedAt: Duration = .zero
    private var monitor: StreamMonitor
    var outage: Outage?
    /// Streams that brought something after a break; tries that failed are none.
    var reconnects = 0
    /// Streams that ended, and tries to open one that failed.
    var failures = 0
    /// A stream of this topic has brought something.
    var hasStreamed = false
    private var refusedSession: Session?
    /// Why the monitor cancelled the stream, so that the cancellation is not taken for the peer's.
    private var verdict: StreamFailure?
    /// The present stream has brought a response.
    var isProven = false
    /// Another client had the managed subscription open since the last response.
    var stoodBy = false
    /// Tries with a managed subscription that is not known, in a row.
    var deploymentTries = 0
    private let unusable: String?
    private let isHome: @Sendable (Session) -> Bool
    let isAllocationUsed: @Sendable () async -> Bool
    private var commits = ManagedCommits()
    /// Only a person can mend what stopped it.
    var isStopped = false

    /// - Parameters:
    ///   - position: from the store; nil when this topic was never subscribed to.
    ///   - unusable: why the position must not be used although it is there: `belongs to another org (00D…)`.
    ///   - startedAt: when an earlier process subscribed, if it left no position; epoch milliseconds.
    ///   - isHome: false for a session of another org or place than the position's: nothing is asked for with it.
    ///   - isAllocationUsed: whether the org's daily event deliveries are known to be used up.
    ///   - news: shared by the topics of an org.
    package init(
        settings: TopicSettings, position: Position?, unusable: String? = nil, startedAt: Int64? = nil,
        calls: any PubSubCalls, authenticator: Authenticator, host: any SubscriptionHost, time: TimeSource = .system,
        isHome: @escaping @Sendable (Session) -> Bool = { _ in true },
        isAllocationUsed: @escaping @Sendable () async -> Bool = { false }, log: Logger,
        news: OutageNews = OutageNews(), executors: ThreadExecutors = IOThread.executors
    ) {
        self.settings = settings
        self.executors = executors
        self.news = news
        self.isHome = isHome
        self.isAllocationUsed = isAllocationUsed
        self.unusable = unusable
        self.calls = calls
        self.authenticator = authenticator
        self.host = host
        self.time = time
        var log = log
        log[metadataKey: "topic"] = "\(settings.name)"
        self.log = log
        plan = ResumePlan(
            settings: settings, position: position, startedAt: position == nil ? startedAt : nil)
        window = FetchWindow(limit: settings.window)
        monitor = StreamMonitor(watchdog: settings.watchdog, parkAfter: settings.parkAfter, now: time.monotonic())
    }

    /// Runs until the task is cancelled or the topic has to stop.
    package nonisolated func run() async {
        await withTaskExecutorPreference(executors.tasks) { await keepRunning() }
    }

    private func keepRunning() async {
        if let unusable, let fix = plan.invalidated(unusable) {
            _ = await stop("the stored replay ID \(unusable)", fix: fix)
            return
        }
        while !Task.isCancelled {
            let wait = await authenticator.waitLeft
            await show(
                outage.map { $0.isStandBy ? .standby : .reconnecting } ?? .connecting, outage?.reason ?? "",
                next: wait > .zero ? wait : nil)
            let failure = await stream()
            guard !Task.isCancelled else { break }
            guard await recover(from: failure) else { break }
        }
        guard !isStopped else { return }
        await show(.off, "the relay was stopped")
    }

    // MARK: One connection

    /// Returns why it ended.
    private func stream() async -> StreamFailure {
        verdict = nil
        isProven = false
        do {
            let session = try await session()
            let managed = try await managedStream(session)
            let stream: any FetchStream = if let managed { managed } else { try await open(session) }
            monitor = StreamMonitor(
                watchdog: settings.watchdog, parkAfter: settings.parkAfter, now: time.monotonic())
            let watcher = Task { await watch(stream) }
            let committer = managed.map { stream in Task { await commit(stream) } }
            let failure: StreamFailure
            do throws(StreamFailure) {
                try await stream.request(plan.start(credit: window.open(), now: time.wall()))
                failure = try await read(stream)
            } catch {
                failure = error
            }
            await stream.cancel()
            watcher.cancel()
            committer?.cancel()
            // Its verdict must not reach the next stream.
            await watcher.value
            await committer?.value
            if failure.reaction == .renewSession { refusedSession = session }
            return verdict ?? failure
        } catch let failure as StreamFailure {
            return failure
        } catch let error as SignInError {
            // After a refusal the authenticator waits, and looks whether its credentials were replaced.
            let waits = error.isRetryable || error.isFailedLogin
            var failure = StreamFailure(
                reaction: .reconnect(minimum: waits ? .zero : SignInThrottle.base), reason: "\(error)")
            failure.needsPerson = !error.isRetryable
            return failure
        } catch {
            return StreamFailure(reaction: .reconnect(minimum: .zero), reason: "\(error)")
        }
    }

    private func managedStream(_ session: Session) async throws(StreamFailure) -> (any ManagedFetchStream)? {
        guard let managed = settings.managed else { return nil }
        commits = ManagedCommits()
        return try await refusable(session) { () async throws(StreamFailure) in
            try await calls.subscribe(session, managed: managed)
        }
    }

    /// Tells Salesforce from time to time how far we are: only what is on our disk, so that its cursor is behind ours.
    private func commit(_ stream: any ManagedFetchStream) async {
        while (try? await time.sleep(ManagedCommits.interval)) != nil {
            guard isProven, let request = commits.next(await host.synced(topic: settings.name)) else { continue }
            guard !Task.isCancelled else { return }
            // An end of the stream is told by its reader.
            try? await stream.commit(request)
        }
    }

    private func answered(_ commit: CommitReplayResponse) {
        guard let reason = commits.answered(commit) else { return }
        log.warning(
            "Salesforce did not take a position of the managed subscription: \(reason); its cursor stays behind, ours is right")
    }

    private func open(_ session: Session) async throws(StreamFailure) -> any FetchStream {
        try await refusable(session) { () async throws(StreamFailure) in try await calls.subscribe(session) }
    }

    /// A session that is refused before the call is even open is renewed as well.
    private func refusable<Stream>(
        _ session: Session, _ open: () async throws(StreamFailure) -> Stream
    ) async throws(StreamFailure) -> Stream {
        do throws(StreamFailure) {
            return try await open()
        } catch {
            if error.reaction == .renewSession { refusedSession = session }
            throw error
        }
    }

    private func session() async throws(SignInError) -> Session {
        guard let refused = refusedSession else { return try home(await authenticator.session()) }
        let session = try await authenticator.renewed(after: refused)
        refusedSession = nil
        return try home(session)
    }

    private func home(_ session: Session) throws(SignInError) -> Session {
        guard isHome(session) else {
            throw .unreachable("the session is of org \(session.orgID) at \(session.instanceURL), where replay IDs differ")
        }
        return session
    }

    private func read(_ stream: any FetchStream) async throws(StreamFailure) -> StreamFailure {
        var isFirst = true
        while let batch = try await stream.next() {
            if Task.isCancelled { break }
            if let commit = batch.commit { answered(commit) }
            if batch.isOnlyCommit { continue }
            monitor.received(pending: batch.response.pendingNumRequested, now: time.monotonic())
            if isFirst { await recovered() }
            isFirst = false
            // Before the events are handled: the next ones travel meanwhile. Bounded, since one batch is handled at a time.
            let count = batch.response.events.count
            let hasRoom = host.hasRoom
            let pending = batch.response.pendingNumRequested
            let isSettled = time.monotonic() - askedAt >= FetchWindow.settling
            await ask(
                stream, window.received(events: count, pending: pending, hasRoom: hasRoom, isSettled: isSettled))
            do {
                try await handle(batch)
            } catch {
                return StreamFailure(reaction: .reconnect(minimum: .zero), reason: "\(error)")
            }
            if verdict != nil { break }
            monitor.handled(now: time.monotonic())
            if !hasRoom { await ask(stream, window.roomCame()) }
        }
        return verdict
            ?? StreamFailure(reaction: .reconnect(minimum: .zero), reason: "the server ended the stream without an error")
    }

    /// If the stream has ended meanwhile, `next` says so, after the responses that came before its end.
    private func ask(_ stream: any FetchStream, _ count: Int32?) async {
        guard let count else { return }
        askedAt = time.monotonic()
        try? await stream.request(FetchRequest(numRequested: count))
    }

    private func handle(_ batch: FetchedBatch) async throws {
        let events = batch.response.events.filter { recent.insert($0.replayID) }
        guard let replayID = batch.response.events.last?.replayID ?? batch.response.latestReplayID else { return }
        let now = time.wall()
        let received = ReceivedBatch(
            topic: settings.name, events: events, isKeepalive: batch.response.events.isEmpty, bytes: batch.bytes,
            replayID: replayID, receivedAt: now)
        do {
            let committed = try await host.accept(received)
            plan.moved(to: Position(replayID: replayID, time: committed ?? now, receivedAt: now))
        } catch {
            // They may come again, and then they are not repetitions.
            recent.removeAll()
            throw error
        }
    }

    private func watch(_ stream: any FetchStream) async {
        while !Task.isCancelled {
            checkHeadroom()
            switch monitor.next(now: time.monotonic()) {
            case .wait(let duration):
                guard (try? await time.sleep(duration)) != nil else { return }
            case .accepted: await show(.accepted, "not refused; on a quiet topic the first keepalive comes within 270 s")
            case .stalled:
                await ask(stream, window.stalled())
            case .silent:
                await end(
                    stream,
                    StreamFailure(
                        reaction: .reconnect(minimum: .zero),
                        reason: "nothing received for \(settings.watchdog), not even a keepalive"), abandons: true)
                return
            case .park:
                log.warning(
                    "parked: the outbox has no room, so the stream is closed before Salesforce does it; it resumes by itself"
                )
                await end(stream, StreamFailure(reaction: .reconnect(minimum: .zero), reason: "parked for lack of room"))
                await show(.parked, "no room downstream")
                // Until there is room and the reader goes on; that may take days.
                while (try? await time.sleep(Self.parkedCheck)) != nil { checkHeadroom() }
                return
            }
        }
    }

    func checkHeadroom() {
        // What another client relays is not missing.
        guard let position = plan.position, outage?.isStandBy != true else { return }
        let headroom = ReplayHeadroom(position: position, now: time.wall())
        guard let level = alarm.next(headroom) else { return }
        let hours = headroom.milliseconds / 3_600_000
        log.log(
            level: level == .critical ? .critical : .warning,
            """
            \(level == .critical ? "EVENTS WILL BE LOST" : "falling behind"): in \(hours) h Salesforce begins to drop events \
            of this topic that are not relayed yet (it keeps them for 72 h); see 'sluice status' for what holds them up
            """)
    }

    private func end(_ stream: any FetchStream, _ failure: StreamFailure, abandons: Bool = false) async {
        verdict = failure
        if abandons { await stream.abandon() } else { await stream.cancel() }
    }
}
