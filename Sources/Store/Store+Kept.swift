import Events
import FoundationEssentials
import GRDB

extension Store {
    /// Nil if none was kept: all deliveries of it had a request.
    package func keptEvent(
        orgID: String, topic: String, replayID: ReplayID
    ) async throws(StoreError) -> KeptEvent? {
        try await perform("look up an event that was kept") { database in
            let row = try Row.fetchOne(
                database,
                sql: """
                    SELECT org, schema_id, event_id, payload, received_at FROM kept_events
                    WHERE org_id = ? AND topic = ? AND replay_id = ?
                    """, arguments: [orgID, topic, Data(replayID.bytes)])
            return row.map { row in
                let source = ConsumerEvent(
                    id: row[2], schemaID: row[1], replayID: replayID, payload: [UInt8](row[3] as Data))
                return KeptEvent(source, org: row[0], orgID: orgID, topic: topic, receivedAt: row[4])
            }
        }
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
            ON CONFLICT (org_id, topic, replay_id) DO NOTHING
            """,
            [
                event.org, event.orgID, event.topic, id, event.schemaID, event.eventID, Data(event.payload),
                event.receivedAt, id, event.topic, event.orgID, id, event.topic, event.orgID,
            ])
    }
}
