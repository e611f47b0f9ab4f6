import Events
import Rules
import Store

/// What only a running relay knows.
package struct LiveStatus: Sendable {
    package var version: String
    package var dispatch: DispatchStatus
    package var rules: RulesStatus
    package var monitor: RelayMonitor
    /// Whether each topic of the configuration is there, those without any news included.
    package var topics: [Cursor.Key]
    /// By destination.
    package var platforms: [String: PlatformStatus] = [:]
    /// By when it has ended, epoch milliseconds; nil unless it is stopping.
    package var stopsBy: Int64?
}

/// Puts a status together. Counting in the store takes long when much waits, so its counts are kept for a moment.
package actor StatusSource {
    static let keepsCounts: Duration = .seconds(2)

    private struct Counts {
        var pending: [PendingCount]
        var deadLetters: [String: Int]
        var deadByRule: [String: Int]
        /// By destination.
        var deadRules: [String: [String]]
        var quarantined: Int
    }

    private let store: Store
    private let time: TimeSource
    private let replays: ReplayViews
    private let live: (@Sendable () async -> LiveStatus)?
    private let files: RuleSet?
    private var kept: (counts: Counts, at: Duration)?

    /// - Parameters:
    ///   - replays: those of this process, if it is a relay's.
    ///   - live: nil when no relay runs in this process.
    ///   - files: without a relay, the rules as they are; nil if they cannot be told.
    package init(
        store: Store, time: TimeSource = .system, replays: ReplayService? = nil,
        live: (@Sendable () async -> LiveStatus)? = nil, files: RuleSet? = nil
    ) {
        self.files = files
        self.replays = ReplayViews(store: store, service: replays)
        self.store = store
        self.time = time
        self.live = live
    }

    package func report() async throws(StoreError) -> StatusReport {
        let counts = try await counts()
        let cursors = try await store.cursors()
        let streams = try await store.streamStates()
        let states = try await store.destinationStates()
        let statements = try await store.statements(limit: 5)
        let now = time.wall()
        var report = StatusReport(
            at: now, relay: store.writer, isLive: false, topics: [], destinations: [], ruleCounts: [],
            quarantined: counts.quarantined,
            statements: statements.map {
                StatusReport.Statement(at: $0.at, org: $0.key.org, topic: $0.key.topic, kind: $0.kind, text: $0.text)
            }, isBackedUp: false, deliveryUse: [:])
        report.topics = streams.map { stream in
            StatusReport.Topic(stream, cursor: cursors.first { $0.key == stream.key }, isRunning: report.relay != nil, now)
        }
        report.destinations = stored(counts, states)
        report.backfills = try await store.backfills().compactMap { StatusReport.Backfill($0, now: now) }
        for record in try await store.replays() where StatusReport.Replay.isShown(record, now: now) {
            if let view = try await replays.view(record) { report.replays.append(StatusReport.Replay(view)) }
        }
        report.reading = try await store.heldCounts().map {
            StatusReport.Reading(
                org: $0.org, topic: $0.topic, entity: $0.entity, records: $0.records, events: $0.events,
                since: $0.oldestReceivedAt)
        }
        var names = files.map(StatusReport.RuleNames.init)
        if let live = await live?() {
            report.add(live, cursors: cursors, counts.deadByRule, second: second)
            names = StatusReport.RuleNames(live)
        }
        if let names { report.tellMissing(names, deadRules: counts.deadRules) }
        return report
    }

    private var second: Int64 { time.monotonic().components.seconds }

    private func counts() async throws(StoreError) -> Counts {
        let now = time.monotonic()
        if let kept, now - kept.at < Self.keepsCounts { return kept.counts }
        let counts = Counts(
            pending: try await store.pendingCounts(), deadLetters: try await store.deadLetterCounts(),
            deadByRule: try await store.deadLetterCountsByRule(), deadRules: try await store.deadLetterRules(),
            quarantined: try await store.quarantineCount())
        kept = (counts, now)
        return counts
    }

    private func stored(_ counts: Counts, _ states: [DestinationState]) -> [StatusReport.Destination] {
        let names = Set(counts.pending.map(\.destination) + states.map(\.destination) + counts.deadLetters.keys)
        return names.sorted().map { name in
            let waiting = counts.pending.filter { $0.destination == name }
            let state = states.first { $0.destination == name }
            return StatusReport.Destination(
                name: name, pending: waiting.map(\.count).reduce(0, +),
                oldestCommitTime: waiting.compactMap(\.oldestTime).min(), deadLetters: counts.deadLetters[name] ?? 0,
                state: state?.state ?? "ok", detail: state?.detail ?? "", since: state?.since, nextTry: state?.nextTry)
        }
    }
}

extension StatusReport.Topic {
    /// A stream of a relay that is gone is not streaming, whatever it last said.
    fileprivate init(_ stream: StreamState, cursor: Cursor?, isRunning: Bool, _ now: Int64) {
        self.init(
            org: stream.key.org, topic: stream.key.topic,
            state: isRunning || stream.state == "stopped" ? stream.state : "not running", detail: stream.detail,
            since: stream.since, reconnects: stream.reconnects, lastReceivedAt: stream.lastReceivedAt,
            lagMilliseconds: cursor?.lagMilliseconds(now: now), headroomSeconds: cursor?.headroomSeconds(now: now),
            events: 0, quarantined: 0, gaps: [:],
            cursor: cursor.map(StatusReport.Position.init))
    }
}

extension StatusReport.Position {
    fileprivate init(_ cursor: Cursor) {
        self.init(
            orgID: cursor.orgID, instanceURL: cursor.instanceURL, replayID: "\(cursor.replayID)",
            commitTime: cursor.commitTime, updatedAt: cursor.updatedAt)
    }
}
