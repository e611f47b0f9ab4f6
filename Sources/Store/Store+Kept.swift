import Events
import FoundationEssentials
import GRDB

extension Store {
    /// Of whatever topics and orgs; none if all deliveries of it had a request.
    package func keptEvents(_ replayID: ReplayID) async throws(StoreError) -> [KeptEvent] {
        try await perform("look up an event that was kept") { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT org_id, topic, schema_id, event_id, payload, received_at FROM kept_events
                    WHERE replay_id = ? ORDER BY id
                    """, arguments: [Data(replayID.bytes)]
            ).map { row in
                let source = ConsumerEvent(
                    id: row[3], schemaID: row[2], replayID: replayID, payload: [UInt8](row[4] as Data))
                return KeptEvent(source, orgID: row[0], topic: row[1], receivedAt: row[5])
            }
        }
    }

    /// Nil if none was kept.
    package func keptEvent(
        orgID: String, topic: String, replayID: ReplayID
    ) async throws(StoreError) -> KeptEvent? {
        try await keptEvents(replayID).first { $0.orgID == orgID && $0.topic == topic }
    }

    package func keptCount() async throws(StoreError) -> Int {
        try await perform("count the events that were kept") {
            try Int.fetchOne($0, sql: "SELECT count(*) FROM kept_events") ?? 0
        }
    }
}

extension Database {
    /// Only while something needs it: what was delivered before this commit does not. Written behind everything that may.
    func insert(_ event: KeptEvent) throws {
        try run(
            """
            INSERT INTO kept_events (org_id, topic, replay_id, schema_id, event_id, payload, received_at)
            SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE \(StoreMigrations.needsEvent(orgID: "?1", topic: "?2", replayID: "?3"))
            ON CONFLICT (replay_id, topic, org_id) DO NOTHING
            """,
            [
                event.orgID, event.topic, Data(event.source.replayID.bytes), event.source.schemaID, event.source.id,
                Data(event.source.payload), event.receivedAt,
            ])
    }
}
