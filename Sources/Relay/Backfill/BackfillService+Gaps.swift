import Events
import Rules
import Store

/// What events do not tell is read: after overflows, wildcard IDs, and lost positions. It is stored before whatever
/// told of it counts as handled, so it outlives a kill.
extension BackfillService {
    /// A change may have been written as long before its commit, and be found by a query as long after it.
    static let overlap: Int64 = 900_000
    /// Between tries of a store that cannot be written.
    static let storeRetry: Duration = .seconds(5)

    /// - Returns: whether any rule wants what a re-read finds.
    nonisolated func overflowed(_ event: Event, by rules: RuleSet, time: TimeSource) async throws -> Bool {
        guard event.change == "overflow", let header = event.header, !rules.gapReaders(of: event.entity).isEmpty else {
            return false
        }
        var plan = BackfillPlan(org: event.org.alias, entity: event.entity, topic: event.topic)
        plan.kind = .reread
        let at = Timestamp.rfc3339(event.time)
        if header.changeType == .gapOverflow {
            plan.since = event.time - Self.overlap
            plan.cause = "GAP_OVERFLOW committed at \(at): records modified since \(Timestamp.rfc3339(event.time - Self.overlap))"
        } else {
            // A field that changed its type changes values without a trace in SystemModstamp.
            plan.cause = "\(header.changeType.symbol) of \(header.recordIds.joined(separator: ", ")) at \(at): all records"
        }
        try await patiently(plan, name: "\(event.topic) \(event.replayID)", time)
        return true
    }

    /// Events since then may be missing on a topic.
    nonisolated func lost(_ topic: Cursor.Key, since: Int64, by rules: RuleSet, time: TimeSource) async {
        let entities = EntityTopic.entity(of: topic.topic).map { [$0] } ?? rules.gapReadEntities
        guard topic.topic.hasPrefix("/data/") else { return }
        for entity in entities where !rules.gapReaders(of: entity).isEmpty {
            var plan = BackfillPlan(org: topic.org, entity: entity, topic: topic.topic)
            plan.kind = .reread
            plan.since = since - Self.overlap
            plan.cause = "events of \(topic.topic) since \(Timestamp.rfc3339(since)) may be missing"
            try? await patiently(plan, name: "\(topic.topic) lost since \(since)", time)
        }
    }

    /// The configuration wants the records of this topic's object once.
    nonisolated func snapshot(_ topic: Cursor.Key, time: TimeSource) async {
        guard let entity = EntityTopic.entity(of: topic.topic) else { return }
        var plan = BackfillPlan(org: topic.org, entity: entity, topic: topic.topic)
        plan.isConfigured = true
        plan.cause = "snapshot: true in sluice.yaml"
        try? await patiently(plan, name: "\(topic.topic) snapshot", time)
    }

    private nonisolated func patiently(_ plan: BackfillPlan, name: String, _ time: TimeSource) async throws {
        while true {
            do throws(StoreError) {
                return try await beginOnce(plan, name: name)
            } catch {
                try Task.checkCancellation()
            }
            try await time.sleep(Self.storeRetry)
        }
    }
}
