import Events
import Logging
import PubSub
import Salesforce
import Store

/// Performs one replay, topic by topic, until it is done, cancelled, or cannot go on.
struct ReplayRunner: Sendable {
    /// Between tries of a store that cannot be read.
    static let storeRetry: Duration = .seconds(5)
    /// Between looks whether an org has signed in.
    static let signInRetry: Duration = .seconds(1)
    /// Journal rows, and kept requests, read in one go.
    static let rowsPerRead = 50

    let replay: String
    let plan: ReplayPlan
    let parts: ReplayParts
    let tracker: ReplayTracker
    private let log: Logger

    init(_ replay: String, _ plan: ReplayPlan, _ parts: ReplayParts, tracker: ReplayTracker) {
        self.replay = replay
        self.plan = plan
        self.parts = parts
        self.tracker = tracker
        var log = parts.log
        log[metadataKey: "replay"] = "\(replay)"
        self.log = log
    }

    /// - Throws: `ReplayFailure`, `CancellationError`, or `OutboxStopped`.
    func run() async throws {
        let store = parts.store
        let positions = try await reading { () async throws(StoreError) in try await store.replayPositions(replay) }
        let taken = positions.map(\.progress.events).reduce(0, +)
        let feed = ReplayFeed(replay, plan, parts, tracker: tracker, taken: taken)
        for topic in plan.topics {
            let position = positions.first { $0.key == topic.key(of: replay) }
            if let position { tracker.moved(topic.liveKey, position.progress, time: position.commitTime) }
            guard position?.progress.isDone != true else { continue }
            let entry = try await entry(topic)
            await feed.begin(
                topic, entry: entry, complete: completion(topic.org), at: position?.progress ?? Self.start(of: topic))
            switch topic.source {
            case .journal: try await journal(topic, feed)
            case .sent: try await sent(topic, org: entry.org.id, feed)
            case .salesforce: try await salesforce(topic, entry, position, feed)
            }
            try await finish(topic, feed)
        }
    }

    /// What is fetched again needs an org that has signed in; the journal only for a schema that is not stored.
    private func entry(_ topic: ReplayPlan.Topic) async throws -> ReplayOrgs.Entry {
        while parts.orgs.mayBeRenamed(topic.org) {
            tracker.waits("the org \(topic.org) is not in sluice.yaml, unless an org that has not signed in yet is the same")
            try await parts.time.sleep(Self.signInRetry)
        }
        while true {
            let orgs = parts.orgs
            let known = try await reading { () async throws(StoreError) in try await orgs.entry(topic.org, isPatient: true) }
            guard let known else {
                throw ReplayFailure("the org \(topic.org) is not known any more: no cursor of it is stored")
            }
            if topic.source != .salesforce || known.connection != nil { return known }
            guard orgs.isExpected(topic.org) else { throw Self.unknown(topic.org, replay) }
            tracker.waits("the org \(topic.org) has not signed in yet")
            try await parts.time.sleep(Self.signInRetry)
        }
    }

    /// Its place in line is for others.
    private static func unknown(_ org: String, _ replay: String) -> ReplayFailure {
        ReplayFailure(
            "the org \(org) is not in sluice.yaml; once it is, and the relay runs with it, `sluice replay resume \(replay)` "
                + "goes on where this one stands")
    }

    private static func start(of topic: ReplayPlan.Topic) -> ReplayProgress {
        var progress = ReplayProgress()
        progress.journalRow = topic.firstRow
        progress.eventOffset = topic.eventOffset
        return progress
    }

    /// Only what is committed is done.
    private func finish(_ topic: ReplayPlan.Topic, _ feed: ReplayFeed) async throws {
        try Task.checkCancellation()
        await parts.outbox.flush()
        try Task.checkCancellation()
        var progress = await feed.progress
        progress.isDone = true
        let done = progress
        try await reading { () async throws(StoreError) in
            try await parts.store.finishReplay(replay, of: topic.liveKey, done, wall: parts.time.wall())
        }
        tracker.moved(topic.liveKey, done, time: nil)
    }

    // MARK: Journal

    private func journal(_ topic: ReplayPlan.Topic, _ feed: ReplayFeed) async throws {
        var seen = RecentEvents()
        var next = await feed.progress.journalRow
        while true {
            try await sayPruned(topic, next)
            let after = next - 1
            let rows = try await reading { () async throws(StoreError) in
                try await parts.store.journal(
                    of: topic.liveKey, after: after, through: topic.lastRow, limit: Self.rowsPerRead)
            }
            guard let last = rows.last else { return }
            for row in rows {
                let offset = await feed.offset(in: row.id)
                let events = try events(of: row, offset: offset)
                let places = events.indices.filter { seen.insert(events[$0].replayID) }
                let place = ReplayFeed.Row(id: row.id, ends: places.map { $0 + 1 })
                guard
                    try await feed.take(
                        places.map { events[$0] }, receivedAt: row.entry.receivedAt, row: place) == .more
                else { return }
            }
            next = last.id + 1
        }
    }

    private func events(of row: JournalRow, offset: Int) throws -> ArraySlice<ConsumerEvent> {
        do throws(WireFormatError) {
            return row.events(of: try FetchResponse(decoding: row.entry.raw), from: offset)
        } catch {
            throw ReplayFailure("the journal's row \(row.id) cannot be read: \(error)")
        }
    }

    /// A replay that is slower than the journal's limits loses what it has not read yet; that must not pass unsaid.
    private func sayPruned(_ topic: ReplayPlan.Topic, _ next: Int64) async throws {
        let first = try await reading { () async throws(StoreError) in try await parts.store.journalFirstRow() }
        guard let first, first > next, next <= topic.lastRow, next > 0 else { return }
        log.error(
            """
            POSSIBLE GAP in this replay: the journal was pruned past the place where it stood, so events of \
            \(topic.topic) between its rows \(next) and \(first) may be missing; raise store.journal, or replay them \
            with --source salesforce
            """)
    }

    private func sent(_ topic: ReplayPlan.Topic, org: String, _ feed: ReplayFeed) async throws {
        while true {
            let after = await feed.progress.journalRow - 1
            let found = try await reading { () async throws(StoreError) in
                try await parts.store.sent(
                    of: topic.topic, org: org, after: after, through: topic.lastRow, limit: Self.rowsPerRead)
            }
            guard !found.isEmpty, try await feed.take(found) == .more else { return }
        }
    }

    // MARK: Salesforce

    /// A second subscription on the org's connection, with a position of its own; the live one is not touched.
    private func salesforce(
        _ topic: ReplayPlan.Topic, _ entry: ReplayOrgs.Entry, _ position: ReplayPosition?, _ feed: ReplayFeed
    ) async throws {
        guard let connection = entry.connection else { preconditionFailure("an org without a connection") }
        let after = position?.replayID ?? topic.after.flatMap(ReplayID.init(base64:))
        let host = ReplayHost(topic: topic, feed: feed, tracker: tracker, time: parts.time)
        let now = parts.time.wall()
        var settings = TopicSettings(
            name: topic.topic, start: .earliest, onInvalidReplay: .stop, watchdog: connection.watchdog)
        settings.invalidReplayFix =
            "Salesforce does not know this replay ID on this topic (any more; it keeps events for 72 hours): replay from a "
            + "time (--since, --from), with --earliest, or from the journal (--source journal)"
        let subscription = Subscription(
            settings: settings,
            position: after.map {
                Position(replayID: $0, time: position?.commitTime ?? topic.since ?? now, receivedAt: now)
            },
            calls: connection.calls, authenticator: connection.authenticator, host: host, time: parts.time, log: log,
            executors: parts.outbox.executors)
        let running = Task {
            await subscription.run()
            host.end()
        }
        await withTaskCancellationHandler {
            await host.ended()
        } onCancel: {
            running.cancel()
        }
        running.cancel()
        await running.value
        try Task.checkCancellation()
        if let failure = host.failure { throw failure }
    }

    /// Rules may ask for more than the event tells, which only an org that has signed in can find out: until then the
    /// replay waits, rather than leave their deliveries out.
    private func completion(_ org: String) -> ReplayOrgs.Completion {
        { [parts, tracker, replay] event, result, rules in
            guard !result.wants.isEmpty else { return result }
            while true {
                if let entry = parts.orgs.present(org) { return try await entry.complete(event, result, rules) }
                guard parts.orgs.isExpected(org) else { throw Self.unknown(org, replay) }
                tracker.waits("the org \(org) has not signed in yet")
                try await parts.time.sleep(Self.signInRetry)
            }
        }
    }

    // MARK: Store

    /// Reading goes on as soon as the store can be read again.
    private func reading<Answer: Sendable>(
        _ body: @Sendable () async throws(StoreError) -> Answer
    ) async throws -> Answer {
        var isSaid = false
        while true {
            do throws(StoreError) {
                return try await body()
            } catch {
                try Task.checkCancellation()
                guard error.isRetryable else { throw ReplayFailure("\(error)") }
                if !isSaid { log.warning("\(error) The replay waits.") }
                isSaid = true
            }
            try await parts.time.sleep(Self.storeRetry)
        }
    }
}

extension JournalRow {
    /// Those that were new when they came.
    func events(of response: FetchResponse, from offset: Int) -> ArraySlice<ConsumerEvent> {
        response.events.dropFirst(max(firstNew(in: response.events), offset))
    }

    /// A response that Salesforce sends again may begin with events of before, which are not replayed there.
    func firstNew(in events: [ConsumerEvent]) -> Int { events.firstIndex { $0.replayID == entry.firstReplayID } ?? 0 }
}

/// Why a replay cannot go on, in plain words.
struct ReplayFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// The last replay IDs of a replay, since a reconnect of the live stream may have brought, and so stored, events twice.
struct RecentEvents: Sendable {
    static let limit = 2_000

    private var order: [ReplayID] = []
    private var known: Set<ReplayID> = []
    private var next = 0

    /// - Returns: false if it was there already.
    mutating func insert(_ id: ReplayID) -> Bool {
        guard known.insert(id).inserted else { return false }
        if order.count < Self.limit {
            order.append(id)
        } else {
            known.remove(order[next])
            order[next] = id
            next = (next + 1) % Self.limit
        }
        return true
    }
}
