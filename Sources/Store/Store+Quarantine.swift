import Events
import FoundationEssentials
import GRDB

extension Store {
    package func quarantineCount() async throws(StoreError) -> Int { try await quarantineSize().rows }

    /// Rows, and bytes of their payloads.
    package func quarantineSize() async throws(StoreError) -> (rows: Int, bytes: Int64) {
        try await perform("measure the quarantine") { database in
            let row = try Row.fetchOne(database, sql: "SELECT rows, bytes FROM quarantine_size")!
            return (row[0], row[1])
        }
    }

    /// Newest first.
    package func quarantine(limit: Int = 100) async throws(StoreError) -> [QuarantinedEvent] {
        var filter = DeadLetterFilter()
        filter.limit = limit
        return try await quarantine(filter, newestFirst: true).map(\.event)
    }

    /// - Parameter newestFirst: otherwise in the order in which they came.
    package func quarantine(
        _ filter: DeadLetterFilter, newestFirst: Bool, after id: Int64 = 0
    ) async throws(StoreError) -> [StoredQuarantinedEvent] {
        try await perform("read the quarantine") { database in
            let (condition, arguments) = filter.quarantine
            return try Row.fetchAll(
                database,
                sql: """
                    SELECT org, topic, replay_id, schema_id, event_id, payload, reason, at, id, resend
                    FROM quarantine WHERE id > ? AND \(condition) ORDER BY id \(newestFirst ? "DESC" : "ASC") LIMIT ?
                    """, arguments: [id] + arguments + [filter.limit ?? -1]
            ).map { row in
                let event = QuarantinedEvent(
                    org: row[0], topic: row[1], replayID: try ColumnDecoder.replayID(row[2]), schemaID: row[3],
                    eventID: row[4], payload: [UInt8](row[5] as Data), reason: row[6], at: row[7])
                return StoredQuarantinedEvent(id: row[8], event: event, isResending: (row[9] as String?) != nil)
            }
        }
    }

    /// How many there are, whatever the filter's limit.
    package func quarantineCount(_ filter: DeadLetterFilter) async throws(StoreError) -> Int {
        try await perform("count the quarantine") { database in
            let (condition, arguments) = filter.quarantine
            return try Int.fetchOne(
                database, sql: "SELECT count(*) FROM quarantine WHERE \(condition)", arguments: arguments) ?? 0
        }
    }

    /// Forgets them, oldest first.
    ///
    /// - Returns: how many.
    package func dropQuarantine(_ filter: DeadLetterFilter) async throws(StoreError) -> Int {
        try await synced("drop quarantined events") { database in
            let (condition, arguments) = filter.quarantine
            try database.execute(
                sql: """
                    DELETE FROM quarantine WHERE id IN (SELECT id FROM quarantine
                        WHERE resend IS NULL AND \(condition) ORDER BY id LIMIT ?)
                    """, arguments: arguments + [filter.limit ?? -1])
            return database.changesCount
        }
    }

    /// Why it cannot be decoded now, after another try.
    package func setQuarantineReason(_ reason: String, of id: Int64) async throws(StoreError) {
        try await perform("update the quarantine") {
            try $0.run("UPDATE quarantine SET reason = ?, resend = NULL WHERE id = ?", [reason, id])
        }
    }
}

extension Database {
    /// No `INSERT OR REPLACE`: that would take the old row away without telling the trigger that counts.
    func insert(_ event: QuarantinedEvent) throws {
        try run(
            """
            INSERT INTO quarantine (org, topic, replay_id, schema_id, event_id, payload, reason, at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (org, topic, replay_id) DO UPDATE SET reason = excluded.reason, at = excluded.at
            """,
            [
                event.org, event.topic, Data(event.replayID.bytes), event.schemaID, event.eventID,
                Data(event.payload), event.reason, event.at,
            ])
    }
}
