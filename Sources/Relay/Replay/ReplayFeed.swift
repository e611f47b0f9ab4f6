import Events
import Logging
import Rules
import Store

/// Hands a replay's events to the outbox: decoded, routed by today's rules, at the replay's pace, each piece together
/// with the position behind it. So after a kill it goes on where the store says, and nothing is passed over.
actor ReplayFeed {
    /// Whether more events are wanted.
    enum Flow { case more, ended }

    private let replay: String
    private let plan: ReplayPlan
    private let parts: ReplayParts
    /// Where it decodes and routes.
    nonisolated var elsewhere: (any TaskExecutor)? { parts.outbox.executors.elsewhere }
    private let tracker: ReplayTracker
    private var pace: ReplayPace
    private var destinations: Set<String>

    // Of the topic that is replayed now.
    private var routing: ReplayRouting
    private var entry: ReplayOrgs.Entry?
    private var reader: EventReader?
    private(set) var progress = ReplayProgress()
    private(set) var lastTime: Int64?

    init(_ replay: String, _ plan: ReplayPlan, _ parts: ReplayParts, tracker: ReplayTracker, taken: Int) {
        self.replay = replay
        self.plan = plan
        self.parts = parts
        self.tracker = tracker
        pace = ReplayPace(rate: plan.rate, limit: plan.limit, taken: taken)
        destinations = Set(plan.destinations)
        routing = ReplayRouting(replay: replay, plan: plan, topic: plan.topics[0])
    }

    /// Everything that follows is of this topic.
    func begin(
        _ topic: ReplayPlan.Topic, entry: ReplayOrgs.Entry, complete: @escaping ReplayOrgs.Completion,
        at progress: ReplayProgress
    ) {
        routing = ReplayRouting(replay: replay, plan: plan, topic: topic, complete: complete)
        self.entry = entry
        reader = EventReader(entry, time: parts.time)
        self.progress = progress
        lastTime = nil
    }

    /// A row of the journal that is being replayed.
    struct Row {
        var id: Int64
        /// Of each event that is taken, the place behind it among all of the row: some are passed over.
        var ends: [Int]
    }

    /// How far a row of the journal is done.
    func offset(in row: Int64) -> Int { progress.journalRow == row ? progress.eventOffset : 0 }

    /// - Parameter row: of the journal, which is done with the last of these events.
    /// - Throws: `ReplayFailure`, `CancellationError`, or `OutboxStopped`.
    func take(_ events: [ConsumerEvent], receivedAt: Int64, row: Row? = nil) async throws -> Flow {
        precondition(row.map { $0.ends.count == events.count } ?? true, "each event has its place")
        var rest = events[...]
        while !rest.isEmpty {
            guard let count = try await room() else { return .ended }
            let now = rest.prefix(count)
            rest = rest.dropFirst(count)
            var piece = ReplayRouting.Piece()
            for event in now { try await route(event, receivedAt, into: &piece) }
            if let row { advance(row, to: row.ends[now.endIndex - 1], isLast: rest.isEmpty) }
            try await hand(piece, last: now.last?.replayID)
            if routing.isBehind(piece.lastTime ?? .min) { return .ended }
        }
        if events.isEmpty, let row { advance(row, to: 0, isLast: true) }
        return .more
    }

    /// Requests that were kept are sent again as they were.
    func take(_ sent: [(id: Int64, sent: SentDelivery)]) async throws -> Flow {
        var rest = sent[...]
        while !rest.isEmpty {
            guard let count = try await room() else { return .ended }
            let now = rest.prefix(count)
            rest = rest.dropFirst(count)
            var piece = ReplayRouting.Piece()
            for (_, sent) in now where routing.includes(sent.delivery.origin.time) && plan.wants(sent.delivery) {
                piece.events += 1
                piece.deliveries.append(ReplayedDelivery.resent(sent.delivery, by: replay))
            }
            progress.journalRow = (now.last?.id ?? 0) + 1
            try await hand(piece, last: now.last?.sent.delivery.origin.replayID)
        }
        return .more
    }

    // MARK: Pieces

    private func route(
        _ event: ConsumerEvent, _ receivedAt: Int64, into piece: inout ReplayRouting.Piece
    ) async throws {
        guard let reader else { preconditionFailure("a replay's event without a topic") }
        switch try await reader.decode(event, topic: routing.topic.topic, receivedAt: receivedAt) {
        case .success(let events):
            let before = piece.deadLetters.count
            try await routing.route(events, by: parts.rules.current, now: parts.time.wall(), into: &piece)
            guard piece.deadLetters.count > before, let first = events.first else { return }
            piece.kept.append(
                KeptEvent(event, orgID: first.org.id, topic: first.topic, receivedAt: first.receivedAt))
        case .failure: piece.undecodable += 1
        }
    }

    private func advance(_ row: Row, to end: Int, isLast: Bool) {
        (progress.journalRow, progress.eventOffset) = isLast ? (row.id + 1, 0) : (row.id, end)
    }

    private func hand(_ piece: ReplayRouting.Piece, last: ReplayID?) async throws {
        guard let entry, let last else { preconditionFailure("a replay's event without a topic") }
        pace.took(piece.events)
        lastTime = piece.lastTime ?? lastTime
        progress.events += piece.events
        progress.deliveries += piece.deliveries.count
        progress.failures += piece.failures
        progress.undecodable += piece.undecodable
        for delivery in piece.deliveries { destinations.insert(delivery.destination) }
        let topic = routing.topic
        let cursor = Cursor(
            key: topic.key(of: replay), orgID: entry.org.id, instanceURL: entry.org.instanceURL, replayID: last,
            commitTime: piece.lastTime, updatedAt: parts.time.wall(), replay: progress)
        var batch = RoutedBatch(cursor: cursor, deliveries: piece.deliveries, deadLetters: piece.deadLetters)
        batch.kept = piece.kept
        try await parts.outbox.accept(batch)
        parts.took(piece.events)
        tracker.moved(topic.liveKey, progress, time: piece.lastTime)
    }

    /// How many events may be handled now; nil at the limit.
    private func room() async throws -> Int? {
        while true {
            try Task.checkCancellation()
            switch pace.next(uptime: parts.time.monotonic().milliseconds, await load()) {
            case .take(let events): return events
            case .stop: return nil
            case .wait(let milliseconds, let why):
                tracker.waits(why)
                try await parts.time.sleep(.milliseconds(milliseconds))
            }
        }
    }

    private func load() async -> ReplayPace.Load {
        let status = await parts.outbox.status()
        let pending = status.destinations.filter { destinations.contains($0.name) }.map(\.pending).max() ?? 0
        var brake: String?
        if routing.topic.source == .salesforce, let connection = entry?.connection { brake = await connection.brake() }
        return ReplayPace.Load(
            pending: pending, isBackedUp: status.isBackedUp || status.storeFailure != nil, brake: brake)
    }
}

/// What every replay needs of the relay.
package struct ReplayParts: Sendable {
    package var store: Store
    package var outbox: Outbox
    package var rules: CurrentRules
    package var orgs: ReplayOrgs
    package var time: TimeSource
    package var log: Logger
    /// Counts the events that any replay handed over.
    package var took: @Sendable (_ events: Int) -> Void

    package init(
        store: Store, outbox: Outbox, rules: CurrentRules, orgs: ReplayOrgs, time: TimeSource = .system, log: Logger,
        took: @escaping @Sendable (_ events: Int) -> Void = { _ in }
    ) {
        self.took = took
        self.store = store
        self.outbox = outbox
        self.rules = rules
        self.orgs = orgs
        self.time = time
        self.log = log
    }
}
