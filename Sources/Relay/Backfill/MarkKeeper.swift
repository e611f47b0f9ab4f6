import Events
import Store

/// Forgets what was handed over of an object's records, whoever read them: a snapshot, or gap events.
struct MarkKeeper: Sendable {
    /// Marks removed in one go.
    private static let atOnce = 5_000

    let store: Store
    let outbox: Outbox
    let gate: SnapshotGate
    /// That are subscribed to.
    let topics: [Cursor.Key]
    let time: TimeSource

    /// Whether no event can come any more that is older than what was handed over by then: none of the streams, and after
    /// a kill none that has passed, since that is on disk when this returns.
    func isSettled(_ subject: SnapshotSubject, handedOver endedAt: Int64) async -> Bool {
        var reached: [Int64?] = []
        for key in topics where key.org == subject.org && EntityTopic.mayCarry(subject.entity, key.topic) {
            reached.append(await gate.reached(key))
        }
        guard Settling(endedAt: endedAt).isOver(reached: reached, now: time.wall()) else { return false }
        await outbox.flush()
        return true
    }

    /// Whether rows of a bulk query wait to be handed over: they may be older than what any mark tells of.
    func keepsBulkRows(of subject: SnapshotSubject) async throws(StoreError) -> Bool {
        try await store.backfills().contains { record in
            !record.isSettled && record.progress.bulk != nil && BackfillService.plan(of: record)?.subject == subject
        }
    }

    func forget(_ subject: SnapshotSubject, handedOver endedAt: Int64) async throws(StoreError) {
        let until = endedAt + Settling.publishing
        var count = Self.atOnce
        while count == Self.atOnce {
            count = try await store.removeMarks(
                org: subject.org, entity: subject.entity, until: until, limit: Self.atOnce)
        }
    }
}
