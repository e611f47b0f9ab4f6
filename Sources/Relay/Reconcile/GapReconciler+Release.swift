import Events
import Rules
import SalesforceREST
import Store

extension GapReconciler {
    /// Between tries of a store that cannot be used.
    static let storeRetry: Duration = .seconds(1)

    /// What Salesforce says of a record.
    private struct Finding: Sendable {
        var key: GapQueue.Key
        var record: RoutingFacts.Record
        var modified: Int64?
        /// Its events that were there before the read began.
        var before: Int
    }

    /// Reads records of one object and topic, and hands over those of which it can tell what is in them.
    func reconcile(_ keys: [GapQueue.Key]) async throws {
        guard let first = keys.first else { return }
        let readAt = parts.time.wall()
        let before = Dictionary(uniqueKeysWithValues: keys.map { ($0, queue.beginRead($0)) })
        let findings: [Finding]
        do throws(RESTError) {
            findings = try await read(keys, before)
        } catch {
            return try await failed(error, keys, before)
        }
        if !problem.isEmpty { parts.log.notice("gap events of \(first.entity) can be read back again") }
        problem = ""
        try await handOver(findings, readAt)
    }

    private func read(
        _ keys: [GapQueue.Key], _ before: [GapQueue.Key: Int]
    ) async throws(RESTError) -> [Finding] {
        let ids = keys.map(\.recordID)
        let description = try await parts.describes.description(of: keys[0].entity)
        let reader = SnapshotReader(parts.client, description)
        let rows = Dictionary(try await reader.rows(ids).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let missing = ids.filter { rows[$0] == nil }
        let gone = missing.isEmpty ? [:] : try await deletedAt(missing, reader)
        return keys.map { key in
            let count = before[key] ?? 0
            guard let row = rows[key.recordID] else {
                return Finding(key: key, record: .gone, modified: gone[key.recordID], before: count)
            }
            return Finding(key: key, record: .read(row.fields), modified: row.modified, before: count)
        }
    }

    /// Some objects have no recycle bin that can be asked.
    private func deletedAt(_ ids: [String], _ reader: SnapshotReader) async throws(RESTError) -> [String: Int64] {
        do throws(RESTError) {
            var times: [String: Int64] = [:]
            for row in try await reader.gone(ids) { times[row.id] = row.modified }
            return times
        } catch {
            guard error.kind == .rejected else { throw error }
            return [:]
        }
    }

    // MARK: Failures

    private func failed(_ error: RESTError, _ keys: [GapQueue.Key], _ before: [GapQueue.Key: Int]) async throws {
        try Task.checkCancellation()
        var patience = BackfillPatience()
        guard let wait = patience.next(after: error) else {
            // One record that cannot be read must not hold up the others.
            guard keys.count == 1 else {
                for key in keys { try await reconcile([key]) }
                return
            }
            let key = keys[0]
            let finding = Finding(key: key, record: .refused("\(error)"), modified: nil, before: before[key] ?? 0)
            return try await handOver([finding], parts.time.wall())
        }
        if problem.isEmpty {
            parts.log.warning(
                "\(error); \(queue.records.count) records of gap events wait, with the events behind them, and are read later")
        }
        problem = "\(error)"
        try await parts.time.sleep(max(wait, .seconds(1)))
    }

    // MARK: Handing over

    /// Their object's events wait meanwhile.
    private func handOver(_ findings: [Finding], _ readAt: Int64) async throws {
        guard let first = findings.first else { return }
        let subject = SnapshotSubject(org: parts.org.alias, entity: first.key.entity)
        try await parts.gate.enterPage(subject)
        do {
            try await release(findings, readAt, subject)
            await parts.gate.leavePage(subject)
        } catch {
            await parts.gate.leavePage(subject)
            throw error
        }
    }

    private func release(_ findings: [Finding], _ readAt: Int64, _ subject: SnapshotSubject) async throws {
        let marks = try await parts.gate.marks(of: Set(findings.map(\.key.recordID)), subject)
        let rules = parts.rules.current
        let lead = await parts.client.clockLead
        var batch = RoutedBatch(cursor: cursor(findings[0].key))
        var added: [RecordMark] = []
        var done: [(key: GapQueue.Key, count: Int)] = []
        for finding in findings {
            guard var record = queue.records[finding.key] else { continue }
            let later = record.events.dropFirst(finding.before).map(\.event.time)
            let until: Int64
            switch verdict(finding, record, readAt - lead, later) {
            case .again(let time):
                queue.readAgain(finding.key, at: max(time + lead, parts.time.wall() + GapVerdict.margin))
                continue
            case .covered(let time): until = time
            }
            let told = Self.told(record, finding.before, until)
            let next = record.events.dropFirst(told).first
            record.events.removeLast(record.events.count - told)
            let course = ReadCourse(
                record: record, before: finding.before, until: until, marks: marks[finding.key.recordID] ?? [:],
                facts: facts(finding, readAt))
            added += try await route(course, rules, into: &batch).map {
                RecordMark(recordID: finding.key.recordID, rule: $0, covers: until)
            }
            // With what went before it out of the way, the gap event that is now first is told of.
            if let next {
                take(try await notice(next.event, route(next.event, rules), rules), next, isRead: false, into: &batch)
            }
            batch.released += record.events.map(\.row.key)
            done.append((finding.key, record.events.count))
        }
        guard !done.isEmpty else { return }
        // Marks go before what they mark.
        try await storing { [parts, added] () async throws(StoreError) in
            try await parts.store.addMarks(added, org: subject.org, entity: subject.entity)
        }
        handedOver[subject] = max(handedOver[subject] ?? .min, parts.time.wall())
        try await parts.outbox.accept(batch)
        for (key, count) in done { queue.release(key, first: count) }
        released()
    }

    /// How many of a record's events what was read can tell of. A gap event that came since the read began, and is newer
    /// than what was read, waits for a read of its own, with what follows it.
    private static func told(_ record: GapQueue.Record, _ before: Int, _ until: Int64) -> Int {
        record.events.indices.dropFirst(before).first {
            record.events[$0].event.isGapOfRecord && record.events[$0].event.time > until
        } ?? record.events.count
    }

    private func verdict(
        _ finding: Finding, _ record: GapQueue.Record, _ readAt: Int64, _ later: [Int64]
    ) -> GapVerdict {
        switch finding.record {
        case .refused, .unavailable, .later: .covered(until: .min)
        // Nothing can follow once it has left the recycle bin.
        case .gone where finding.modified == nil: .covered(until: readAt)
        case .gone, .read:
            .of(modified: finding.modified, readAt: readAt, reads: record.reads, later: later)
        }
    }

    private func facts(_ finding: Finding, _ readAt: Int64) -> RoutingFacts {
        var facts = RoutingFacts()
        facts.record = finding.record
        facts.version = "\(finding.modified ?? readAt)"
        return facts
    }

    /// What was read of one record, and what waits for it.
    private struct ReadCourse {
        let record: GapQueue.Record
        let before: Int
        let until: Int64
        /// By rule: what receivers have already, from elsewhere.
        let marks: [String: Int64]
        let facts: RoutingFacts
    }

    /// - Returns: the rules that have what was read.
    private func route(_ course: ReadCourse, _ rules: RuleSet, into batch: inout RoutedBatch) async throws -> Set<String> {
        guard let entity = course.record.events.first?.event.entity else { return [] }
        let readers = rules.gapReaders(of: entity)
        var have: Set<String> = []
        for (place, waiting) in course.record.events.enumerated() {
            let event = waiting.event
            if event.isGapOfRecord {
                let first = rules.route(event, now: parts.time.wall(), facts: course.facts)
                let whole = try await parts.facts.complete(event, first, by: rules, known: course.facts)
                // Without a time of its own, what was read cannot be held against what receivers have. A mark of this very
                // state may be of a hand-over that a kill undid; if it is not, the state comes once more, which harms nobody.
                let newest = course.until == .min ? nil : CoveredRules(course.marks, at: course.until + 1)
                let result = whole.without {
                    !readers.contains($0) || have.contains($0) || newest?.contains($0) == true
                }
                // The first was told of when it came.
                if place > 0 {
                    take(try await notice(event, route(event, rules), rules), waiting, isRead: false, into: &batch)
                }
                take(result, waiting, isRead: true, into: &batch)
                have.formUnion(result.deliveries.map(\.rule))
            } else {
                let first = route(event, rules)
                let isCovered = place < course.before || event.time <= course.until
                let older = CoveredRules(course.marks, at: event.time)
                let known = have
                let result = try await parts.facts.complete(event, first, by: rules).without {
                    (isCovered && known.contains($0)) || older?.contains($0) == true
                }
                take(result, waiting, isRead: false, into: &batch)
            }
        }
        return have
    }

    private func route(_ event: Event, _ rules: RuleSet) -> RoutingResult { rules.route(event, now: parts.time.wall()) }

    private func take(
        _ result: RoutingResult, _ waiting: GapQueue.Waiting, isRead: Bool, into batch: inout RoutedBatch
    ) {
        batch.take(result, of: waiting.event, waiting.row.source)
        var seen = waiting.event
        seen.fetched = isRead
        parts.observer?.routed(seen, result)
    }

    /// Moves nothing.
    private func cursor(_ key: GapQueue.Key) -> Cursor {
        guard let replayID = ReplayID(Array("gaps".utf8)) else { preconditionFailure("an ID without bytes") }
        return Cursor(
            key: Cursor.Key(org: parts.org.alias, topic: "gaps of \(key.topic)", scope: .none), orgID: parts.org.id,
            instanceURL: parts.org.instanceURL, replayID: replayID, commitTime: nil, updatedAt: parts.time.wall())
    }

    /// What can never be decoded again goes where people look for it.
    func setAside(_ rows: [HeldEvent]) async throws {
        parts.log.error("\(rows.count) events that waited for their records cannot be decoded any more: put to quarantine")
        guard let first = rows.first else { return }
        guard let replayID = ReplayID(Array("gaps".utf8)) else { preconditionFailure("an ID without bytes") }
        var batch = RoutedBatch(
            cursor: Cursor(
                key: Cursor.Key(org: first.key.org, topic: "gaps", scope: .none), orgID: first.orgID, instanceURL: "",
                replayID: replayID, commitTime: nil, updatedAt: parts.time.wall()))
        batch.released = rows.map(\.key)
        batch.quarantined = rows.map { row in
            QuarantinedEvent(
                org: row.key.org, topic: row.key.topic, replayID: row.key.replayID, schemaID: row.schemaID,
                eventID: row.eventID, payload: row.payload, reason: "it waited for its record, and cannot be decoded now",
                at: row.receivedAt)
        }
        try await parts.outbox.accept(batch)
    }

    func storing<Result: Sendable>(_ body: @Sendable () async throws(StoreError) -> Result) async throws -> Result {
        while true {
            do throws(StoreError) {
                return try await body()
            } catch {
                try Task.checkCancellation()
                parts.log.warning("\(error); gap events wait")
            }
            try await parts.time.sleep(Self.storeRetry)
        }
    }
}
