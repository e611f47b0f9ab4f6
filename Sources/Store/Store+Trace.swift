import Events
import FoundationEssentials
import GRDB

/// What the store still knows about one event, and counts that `status` shows.
extension Store {
    /// Rows that are searched without letting others have a turn.
    private static let traceRows = 500

    /// The newest journal row that holds the event: replay IDs have no order, so the raw bytes are searched, newest
    /// first, a piece at a time.
    ///
    /// - Parameter isIt: looks closer at a row that has the bytes somewhere.
    package func journalEntry(
        holding replayID: ReplayID, where isIt: @escaping @Sendable (JournalEntry) -> Bool
    ) async throws(StoreError) -> JournalEntry? {
        var before = Int64.max
        while true {
            let bound = before
            let piece = try await perform("search the journal") { database in
                try database.journalEntry(holding: replayID, before: bound, rows: Self.traceRows, where: isIt)
            }
            if let entry = piece.entry { return entry }
            guard let lowest = piece.lowest else { return nil }
            before = lowest
        }
    }

    /// The events of deliveries that wait, are dead, or were kept when they were sent, by an ID or its beginning. Of several
    /// two are told.
    package func replayIDs(ofDelivery id: String) async throws(StoreError) -> [ReplayID] {
        try await perform("search for a delivery") { database in
            // IDs are letters, digits and underscores, all before the tilde.
            let bytes = try Data.fetchAll(
                database,
                sql: """
                    SELECT replay_id FROM outbox WHERE id BETWEEN ?1 AND ?1 || '~'
                    UNION SELECT replay_id FROM dead_letters WHERE delivery_id BETWEEN ?1 AND ?1 || '~'
                    UNION SELECT replay_id FROM sent WHERE delivery_id BETWEEN ?1 AND ?1 || '~' LIMIT 2
                    """, arguments: [id])
            return try bytes.map { try ColumnDecoder.replayID($0) }
        }
    }

    /// Deliveries of an event that wait, at most `limit`.
    package func pending(of replayID: ReplayID, limit: Int = 1_000) async throws(StoreError) -> [StoredDelivery] {
        try await perform("search the outbox") { database in
            let decoder = ColumnDecoder()
            return try Row.fetchAll(
                database,
                sql: """
                    SELECT seq, id, attempts, held_attempts, first_attempt_at, next_attempt_at, history,
                        \(ColumnEncoder.deliveryColumns) FROM outbox WHERE replay_id = ? ORDER BY seq LIMIT ?
                    """, arguments: [Data(replayID.bytes), limit]
            ).map { row in
                StoredDelivery(
                    seq: row[0], delivery: try decoder.delivery(row, id: row[1], at: 7),
                    progress: DeliveryProgress(
                        attempts: row[2], heldAttempts: row[3], firstAttemptAt: row[4], nextAttemptAt: row[5],
                        history: try decoder.history(row[6])))
            }
        }
    }

    /// Dead letters of an event, at most `limit`.
    package func deadLetters(of replayID: ReplayID, limit: Int = 1_000) async throws(StoreError) -> [DeadLetter] {
        try await perform("search the dead letters") { database in
            let decoder = ColumnDecoder()
            return try Row.fetchAll(
                database,
                sql: """
                    SELECT delivery_id, reason, detail, attempts, history, died_at, \(ColumnEncoder.deliveryColumns)
                    FROM dead_letters WHERE replay_id = ? ORDER BY id LIMIT ?
                    """, arguments: [Data(replayID.bytes), limit]
            ).map { row in
                DeadLetter(
                    delivery: try decoder.delivery(row, id: row[0], at: 6),
                    reason: DeadLetter.Reason(rawValue: row[1]) ?? .rejected, detail: row[2], attempts: row[3],
                    history: try decoder.history(row[4]), diedAt: row[5])
            }
        }
    }

    package func deadLetterCountsByRule() async throws(StoreError) -> [String: Int] {
        try await perform("count the dead letters") { database in
            var counts: [String: Int] = [:]
            let sql = "SELECT rule, count(*) FROM dead_letters GROUP BY rule"
            for row in try Row.fetchAll(database, sql: sql) { counts[row[0]] = row[1] }
            return counts
        }
    }
}

extension Database {
    /// - Returns: `lowest` is nil when there are no further rows.
    fileprivate func journalEntry(
        holding replayID: ReplayID, before: Int64, rows: Int, where isIt: (JournalEntry) -> Bool
    ) throws -> (entry: JournalEntry?, lowest: Int64?) {
        let lowest = try Int64.fetchOne(
            self,
            sql: "SELECT min(id) FROM (SELECT id FROM journal WHERE id < ? ORDER BY id DESC LIMIT ?)",
            arguments: [before, rows])
        guard let lowest else { return (nil, nil) }
        let found = try Row.fetchCursor(
            self,
            sql: """
                SELECT org, topic, received_at, first_replay_id, last_replay_id, events, raw FROM journal
                WHERE id >= ? AND id < ? AND instr(raw, ?) > 0 ORDER BY id DESC
                """, arguments: [lowest, before, Data(replayID.bytes)])
        while let row = try found.next() {
            let entry = JournalEntry(
                org: row[0], topic: row[1], receivedAt: row[2], firstReplayID: try ColumnDecoder.replayID(row[3]),
                lastReplayID: try ColumnDecoder.replayID(row[4]), eventCount: row[5], raw: [UInt8](row[6] as Data))
            if isIt(entry) { return (entry, nil) }
        }
        return (nil, lowest)
    }
}
