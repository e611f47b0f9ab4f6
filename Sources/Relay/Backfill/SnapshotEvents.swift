import Events
import Rules
import Store

/// What the rules make of records that were read instead of heard of.
struct SnapshotEvents: Sendable {
    let backfill: String
    let plan: BackfillPlan
    let org: Org

    /// Deliveries and dead letters of some records.
    struct Piece: Sendable {
        var records = 0
        var deliveries: [Delivery] = []
        var deadLetters: [DeadLetter] = []
        var failures = 0
    }

    /// - Throws: `CancellationError` only.
    func route(
        _ row: SnapshotRow, by rules: RuleSet, readAt: Int64, complete: BackfillOrgs.Completion, into piece: inout Piece
    ) async throws {
        let event = event(row, readAt: readAt)
        var facts = RoutingFacts()
        if plan.kind == .reread { facts.record = .read(row.fields) }
        let first = rules.route(event, now: readAt, facts: facts)
        take(try await complete(event, first, rules, facts), rules, readAt, &piece)
    }

    /// A record of a re-read that is gone.
    ///
    /// - Throws: `CancellationError` only.
    func route(
        deleted row: SnapshotRow, by rules: RuleSet, readAt: Int64, complete: BackfillOrgs.Completion,
        into piece: inout Piece
    ) async throws {
        var event = event(row, readAt: readAt)
        event.header?.changeType = .gapDelete
        var facts = RoutingFacts()
        facts.record = .gone
        let first = rules.route(event, now: readAt, facts: facts)
        take(try await complete(event, first, rules, facts), rules, readAt, &piece)
    }

    private func take(_ result: RoutingResult, _ rules: RuleSet, _ now: Int64, _ piece: inout Piece) {
        piece.records += 1
        let readers = plan.kind == .reread ? rules.gapReaders(of: plan.entity) : nil
        func wants(_ rule: String, _ destination: String) -> Bool {
            readers?.contains(rule) ?? true && plan.wants(rule: rule, destination: destination)
        }
        piece.deliveries += result.deliveries.filter { wants($0.rule, $0.destination) }
        for failure in result.failures where wants(failure.rule, failure.destination) {
            piece.failures += 1
            if let letter = failure.deadLetter(at: now) { piece.deadLetters.append(letter) }
        }
    }

    /// Its ID, and so those of its deliveries, are the same whenever the record is read again unchanged, and others once
    /// it has changed.
    func event(_ row: SnapshotRow, readAt: Int64) -> Event {
        let time = row.modified ?? readAt
        let header = ChangeEventHeader(
            entityName: plan.entity, recordIds: [row.id], changeType: change(row), changeOrigin: "",
            transactionKey: backfill, sequenceNumber: 1, commitTimestamp: time, commitNumber: 0,
            commitUser: row.modifiedBy ?? "", nulledFields: [], diffFields: [], changedFields: [])
        let version = [56, 48, 40, 32, 24, 16, 8, 0].map { UInt8(truncatingIfNeeded: time >> Int64($0)) }
        guard let replayID = ReplayID(Array(backfill.utf8) + version) else { preconditionFailure("an ID without bytes") }
        var event = Event(
            id: "\(backfill)-\(row.id)-\(time)", kind: .change, entity: plan.entity, topic: plan.topic,
            replayID: replayID, schemaID: "", time: time, receivedAt: readAt, header: header, recordID: row.id,
            record: KnownFields(row.fields), org: org)
        event.fetched = true
        return event
    }

    /// Whether a delivery came of an event that was made here, as its replay ID tells.
    static func brought(_ origin: DeliveryOrigin) -> Bool {
        let bytes = origin.replayID.bytes
        return bytes.count == 18 && bytes.starts(with: "bf".utf8)
    }

    private func change(_ row: SnapshotRow) -> ChangeType {
        guard plan.kind == .reread else { return .snapshot }
        guard let since = plan.since, let created = row.created else { return .gapUpdate }
        return created >= since ? .gapCreate : .gapUpdate
    }
}
