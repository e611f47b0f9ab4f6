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
                    SELECT org, org_id, topic, schema_id, event_id, payload, received_at FROM kept_events
                    WHERE replay_id = ? ORDER BY id
                    """, arguments: [Data(replayID.bytes)]
            ).map { row in
                let source = ConsumerEvent(
                    id: row[4], schemaID: row[3], replayID: replayID, payload: [UInt8](row[5] as Data))
                return KeptEvent(source, org: row[0], orgID: row[1], topic: row[2], receivedAt: row[6])
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
        let id = Data(event.replayID.bytes)
        try run(
            """
            INSERT INTO kept_events (org, org_id, topic, replay_id, schema_id, event_id, payload, received_at)
            SELECT ?, ?, ?, ?, ?, ?, ?, ? WHERE \(StoreMigrations.needsEvent(orgID: "?", topic: "?", replayID: "?"))
            ON CONFLICT (replay_id, topic, org_id) DO NOTHING
            """,
            [
                event.org, event.orgID, event.topic, id, event.schemaID, event.eventID, Data(event.payload),
                event.receivedAt, id, event.topic, event.orgID, id, event.topic, event.orgID,
            ])
    }
}
