import Events
import FoundationEssentials
import GRDB

extension Store {
    /// By destination.
    package func deadLetterCounts() async throws(StoreError) -> [String: Int] {
        try await perform("count the dead letters") { database in
            var counts: [String: Int] = [:]
            let sql = "SELECT destination, count(*) FROM dead_letters GROUP BY destination"
            for row in try Row.fetchAll(database, sql: sql) { counts[row[0]] = row[1] }
            return counts
        }
    }

    /// Newest first.
    package func deadLetters(
        destination: String? = nil, limit: Int = 100
    ) async throws(StoreError) -> [DeadLetter] {
        try await perform("read the dead letters") { database in
            let decoder = ColumnDecoder()
            return try Row.fetchAll(
                database,
                sql: """
                    SELECT delivery_id, reason, detail, attempts, history, died_at, \(ColumnEncoder.deliveryColumns)
                    FROM dead_letters WHERE ?1 IS NULL OR destination = ?1 ORDER BY id DESC LIMIT ?2
                    """, arguments: [destination, limit]
            ).map { row in
                DeadLetter(
                    delivery: try decoder.delivery(row, id: row[0], at: 6),
                    reason: DeadLetter.Reason(rawValue: row[1]) ?? .rejected, detail: row[2], attempts: row[3],
                    history: try decoder.history(row[4]), diedAt: row[5])
            }
        }
    }

    package func quarantineCount() async throws(StoreError) -> Int {
        try await perform("count the quarantine") { database in
            try Int.fetchOne(database, sql: "SELECT count(*) FROM quarantine") ?? 0
        }
    }

    /// Newest first.
    package func quarantine(limit: Int = 100) async throws(StoreError) -> [QuarantinedEvent] {
        try await perform("read the quarantine") { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT org, topic, replay_id, schema_id, event_id, payload, reason, at
                    FROM quarantine ORDER BY id DESC LIMIT ?
                    """, arguments: [limit]
            ).map { row in
                QuarantinedEvent(
                    org: row[0], topic: row[1], replayID: try ColumnDecoder.replayID(row[2]), schemaID: row[3],
                    eventID: row[4], payload: [UInt8](row[5] as Data), reason: row[6], at: row[7])
            }
        }
    }
}
