import ChangeEvents
import Curl
import Events
import Logging
import Rules
import Salesforce
import Store

/// One org's events on their way from a stream to the outbox: decoded, split per record, routed, rendered.
package struct Ingest: SubscriptionHost {
    /// Between tries of a schema that cannot be had at the moment. The stream is parked meanwhile if that lasts.
    static let schemaRetryBase: Duration = .seconds(1)
    static let schemaRetryCeiling: Duration = .seconds(30)

    private let org: Org
    private let schemas: SchemaCache
    private let rules: CurrentRules
    private let outbox: Outbox
    private let reports: StreamReports
    private let facts: FactFinder
    private let gate: QuarantineGate
    private let backfills: BackfillService?
    private let gapReader: GapReconciler?
    private let schemaWatch: SchemaWatch?
    private let observer: (any RelayObserver)?
    private let time: TimeSource
    private let log: Logger
    private let decoder: EventDecoder
    private let gaps: GapLog
    private let faults: FaultLog
    private let unknownChanges = UnknownChangeLog()

    package init(
        org: Org, schemas: SchemaCache, rules: CurrentRules, outbox: Outbox, reports: StreamReports,
        facts: any FactSource, gate: QuarantineGate, backfills: BackfillService? = nil, gapReader: GapReconciler? = nil,
        schemaWatch: SchemaWatch? = nil, observer: (any RelayObserver)?, time: TimeSource, log: Logger
    ) {
        self.org = org
        self.schemas = schemas
        self.rules = rules
        self.outbox = outbox
        self.reports = reports
        self.gate = gate
        self.backfills = backfills
        self.gapReader = gapReader
        self.schemaWatch = schemaWatch
        self.facts = FactFinder(source: facts, time: time, log: log)
        self.observer = observer
        self.time = time
        self.log = log
        decoder = EventDecoder(org: org)
        gaps = GapLog(time: time)
        faults = FaultLog(time: time)
    }

    package nonisolated(nonsending) func accept(_ batch: ReceivedBatch) async throws -> Int64? {
        // What computes must not hold up the caller's thread. That is the outbox's as well: nothing changes threads after it.
        let prepared = try await withTaskExecutorPreference(outbox.executors.elsewhere) { try await prepare(batch) }
        do {
            try await outbox.accept(prepared.routed)
        } catch {
            // It is the outbox's all the same, unless that stops.
            if let split = prepared.split, !(error is OutboxStopped) { await gapReader?.arrived(split) }
            await prepared.pass?.leave()
            throw error
        }
        if let split = prepared.split { await gapReader?.arrived(split) }
        await prepared.pass?.leave()
        return prepared.routed.cursor.commitTime
    }

    /// A batch that is ready for the outbox, and what is to be told of it then.
    private struct Prepared: Sendable {
        var routed: RoutedBatch
        var split: GapReconciler.Split?
        var pass: SnapshotGate.Pass?
    }

    private func prepare(_ batch: ReceivedBatch) async throws -> Prepared {
        var routed = empty(batch)
        var events: [Event] = []
        /// Of each event: which of the batch it came in.
        var sources: [Int] = []
        for (place, event) in batch.events.enumerated() {
            giveWay(after: place)
            switch try await decoded(event, of: batch) {
            case .success(let decoded):
                events += decoded
                sources += Array(repeating: place, count: decoded.count)
            case .failure(let reason):
                try await gate.pass(topic: batch.topic, log: log)
                quarantine(event, of: batch, reason, into: &routed)
            }
        }
        try await gapReader?.waitForRoom()
        // Beside a snapshot, a batch takes its turn, and events older than their records are left out.
        let pass = try await backfills?.gate.pass(
            events, topic: routed.cursor.key, keepaliveAt: batch.isKeepalive ? batch.receivedAt : nil)
        do {
            let split = try await route(events, of: batch, &routed, covered: pass?.covered ?? [:]) { place in
                batch.events[sources[place]]
            }
            return Prepared(routed: routed, split: split, pass: pass)
        } catch {
            await pass?.leave()
            throw error
        }
    }

    /// - Parameters:
    ///   - covered: by place: rules whose receivers have something newer of the record.
    ///   - raw: the event as it came, by place.
    private func route(
        _ events: [Event], of batch: ReceivedBatch, _ routed: inout RoutedBatch, covered: [Int: CoveredRules],
        raw: (Int) -> ConsumerEvent
    ) async throws -> GapReconciler.Split? {
        // One set for the whole batch: a reload takes effect between two.
        let rules = rules.current
        let split = try await gapReader?.split(events, by: rules) { Self.held(events[$0], raw($0), org.alias) }
        let passing = split?.passing ?? Array(events.indices)
        let results = try await route(passing.map { events[$0] }, by: rules)
        var notices = (split?.notices ?? [])[...]
        for (place, result) in zip(passing, results) {
            while let notice = notices.first, notice.place < place {
                take(notice.result, of: events[notice.place], raw(notice.place), isReread: true, into: &routed)
                notices.removeFirst()
            }
            let event = events[place]
            let isReread = try await backfills?.overflowed(event, by: rules, time: time) ?? false
            let result = covered[place].map { older in result.without(older.contains) } ?? result
            take(result, of: event, raw(place), isReread: isReread, into: &routed)
        }
        for notice in notices {
            take(notice.result, of: events[notice.place], raw(notice.place), isReread: true, into: &routed)
        }
        routed.held = split?.held ?? []
        if let newest = events.last {
            routed.cursor.commitTime = max(routed.cursor.commitTime ?? .min, newest.streamTime)
            routed.transaction = newest.header?.transactionKey
        } else {
            routed.tellsPlace = batch.isKeepalive
        }
        routed.journal?.commitTime = routed.cursor.commitTime
        reports.received(batch, commitTime: routed.cursor.commitTime, quarantined: routed.quarantined.count)
        return split
    }

    /// A batch of a hundred takes a millisecond. Who answers our requests may share the processor with us, and would have
    /// to wait for its end.
    private func giveWay(after events: Int) {
        if events % 4 == 3 { IOThread.giveWay() }
    }

    private static func held(_ event: Event, _ source: ConsumerEvent, _ org: String) -> HeldEvent {
        HeldEvent(
            key: HeldEvent.Key(org: org, topic: event.topic, replayID: event.replayID, recordID: event.recordID),
            orgID: event.org.id, entity: event.entity, schemaID: event.schemaID, eventID: event.id,
            payload: source.payload, receivedAt: event.receivedAt)
    }

    package var hasRoom: Bool { outbox.room.exists }

    package func synced(topic: String) async -> ReplayID? {
        try? await outbox.store.syncedCursor(Cursor.Key(org: org.alias, topic: topic))?.replayID
    }

    package func changed(_ status: StreamStatus, topic: String) async { await reports.changed(status, topic: topic) }

    package func stated(_ statement: ResumeStatement, topic: String) async {
        await reports.stated(statement, topic: topic)
        guard let since = statement.lostSince else { return }
        let key = Cursor.Key(org: org.alias, topic: topic)
        await backfills?.lost(key, since: since, by: rules.current, time: time)
    }

    // MARK: Decoding

    private func decoded(
        _ event: ConsumerEvent, of batch: ReceivedBatch
    ) async throws -> Result<[Event], QuarantineReason> {
        let schema: EventSchema
        switch try await self.schema(event.schemaID, topic: batch.topic) {
        case .success(let found):
            schema = found
            await schemaWatch?.saw(found, topic: batch.topic)
        case .failure(let reason): return .failure(reason)
        }
        do throws(UndecodableEvent) {
            return .success(
                try decoder.decode(event, schema: schema, topic: batch.topic, receivedAt: batch.receivedAt))
        } catch {
            return .failure(QuarantineReason(text: "\(error)"))
        }
    }

    /// Waits for a schema that cannot be had now: without it the event must not be passed over.
    private func schema(_ id: String, topic: String) async throws -> Result<EventSchema, QuarantineReason> {
        var wait = Self.schemaRetryBase
        var isWaiting = false
        while true {
            do throws(SchemaSource.Failure) {
                let schema = try await schemas.schema(id)
                if isWaiting { log.notice("got schema \(id); events go on", metadata: ["topic": "\(topic)"]) }
                return .success(schema)
            } catch {
                // A stop breaks calls off: that is no news.
                try Task.checkCancellation()
                switch error {
                case .permanent(let reason): return .failure(QuarantineReason(text: reason))
                case .temporary(let reason):
                    if !isWaiting {
                        log.warning(
                            "\(reason); the events that need it wait, and it is tried again",
                            metadata: ["topic": "\(topic)"])
                    }
                    isWaiting = true
                }
            }
            try await time.sleep(wait)
            wait = min(wait * 2, Self.schemaRetryCeiling)
        }
    }

    private func quarantine(
        _ event: ConsumerEvent, of batch: ReceivedBatch, _ reason: QuarantineReason, into routed: inout RoutedBatch
    ) {
        log.error(
            "event put to quarantine, the stream goes on: \(reason.text)",
            metadata: ["topic": "\(batch.topic)", "replayId": "\(event.replayID)"])
        routed.quarantined.append(
            QuarantinedEvent(
                org: org.alias, topic: batch.topic, replayID: event.replayID, schemaID: event.schemaID,
                eventID: event.id, payload: event.payload, reason: reason.text, at: batch.receivedAt))
    }

    // MARK: Routing

    /// In the order of the events. What has to be read for them is read beside each other.
    private func route(_ events: [Event], by rules: RuleSet) async throws -> [RoutingResult] {
        var results = events.enumerated().map { place, event in
            giveWay(after: place)
            return rules.route(event, now: time.wall())
        }
        let open = results.indices.filter { !results[$0].wants.isEmpty }
        guard !open.isEmpty else { return results }
        try await withThrowingTaskGroup(of: (Int, RoutingResult).self) { group in
            for index in open {
                let first = results[index]
                group.addTask { (index, try await facts.complete(events[index], first, by: rules, .defers)) }
            }
            for try await (index, result) in group { results[index] = result }
        }
        return results
    }

    private func take(
        _ result: RoutingResult, of event: Event, _ source: ConsumerEvent, isReread: Bool, into routed: inout RoutedBatch
    ) {
        routed.take(result, of: event, source)
        routed.cursor.commitTime = max(routed.cursor.commitTime ?? .min, event.streamTime)
        if !isReread, result.outcomes.contains(where: { $0.kind == .gapSkipped }),
            !result.outcomes.contains(where: { $0.kind == .matched })
        {
            gaps.skipped(event, log: log)
        }
        faults.note(result, of: event, log: log)
        unknownChanges.note(event, log: log)
        observer?.routed(event, result)
    }

    private func empty(_ batch: ReceivedBatch) -> RoutedBatch {
        let cursor = Cursor(
            key: Cursor.Key(org: org.alias, topic: batch.topic), orgID: org.id, instanceURL: org.instanceURL,
            replayID: batch.replayID, commitTime: nil, updatedAt: batch.receivedAt)
        guard let first = batch.events.first, let last = batch.events.last else { return RoutedBatch(cursor: cursor) }
        return RoutedBatch(
            cursor: cursor,
            journal: JournalEntry(
                org: org.alias, topic: batch.topic, receivedAt: batch.receivedAt, firstReplayID: first.replayID,
                lastReplayID: last.replayID, eventCount: batch.events.count, raw: batch.bytes))
    }
}

/// Why an event cannot be decoded, now or later.
private struct QuarantineReason: Error {
    let text: String
}

/// Sees events and what the rules made of them: for people who watch. Must return at once.
package protocol RelayObserver: AttemptObserver {
    func routed(_ event: Event, _ result: RoutingResult)
}
