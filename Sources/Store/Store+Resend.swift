import Events
import FoundationEssentials
import GRDB

/// Making deliveries of dead letters and quarantined events again. Each stays where it is until the commit that holds
/// its delivery, or accounts for it: a crash in between leaves it there.
extension Store {
    /// Marks dead letters as being sent again. Those that are marked already are left out.
    ///
    /// - Parameter token: not used before; settled by a commit of `Cursor.Scope.resend`.
    /// - Returns: the IDs that are marked with it now.
    package func markResending(
        deadLetters ids: [String], token: String
    ) async throws(StoreError) -> Set<String> {
        try await transaction("mark dead letters") { database in
            var marked: Set<String> = []
            for id in ids {
                try database.run(
                    "UPDATE dead_letters SET resend = ? WHERE delivery_id = ? AND resend IS NULL", [token, id])
                if database.changesCount > 0 { marked.insert(id) }
            }
            return marked
        }
    }

    /// The same for quarantined events.
    package func markResending(quarantine ids: [Int64], token: String) async throws(StoreError) -> Set<Int64> {
        try await transaction("mark quarantined events") { database in
            var marked: Set<Int64> = []
            for id in ids {
                try database.run("UPDATE quarantine SET resend = ? WHERE id = ? AND resend IS NULL", [token, id])
                if database.changesCount > 0 { marked.insert(id) }
            }
            return marked
        }
    }

    /// Deliveries whose ID the outbox has with another request, which would stand for both: their event came again.
    package func waitingOtherwise(_ deliveries: [Delivery]) async throws(StoreError) -> Set<String> {
        try await perform("look for deliveries that wait") { database in
            let statement = try database.cachedStatement(
                sql: "SELECT 1 FROM outbox WHERE id = ? AND length(body) > 0 AND body <> ?")
            let waiting = try deliveries.filter {
                try Int.fetchOne(statement, arguments: [$0.id, Data($0.body)]) != nil
            }
            return Set(waiting.map(\.id))
        }
    }

    /// Takes the marks away: nothing was sent.
    package func unmarkResending(token: String) async throws(StoreError) {
        try await transaction("unmark dead letters") { database in
            try database.run("UPDATE dead_letters SET resend = NULL WHERE resend = ?", [token])
            try database.run("UPDATE quarantine SET resend = NULL WHERE resend = ?", [token])
        }
    }

    /// Puts dead letters at the end of the outbox, in the order of `letters`. Only while no relay runs on this store.
    ///
    /// - Returns: how many were still there.
    package func requeue(_ letters: [StoredDeadLetter], wall: Int64) async throws(StoreError) -> Int {
        try await synced("put dead letters back to the outbox") { database in
            let encoder = ColumnEncoder()
            let token = "requeue"
            var seq = try Int64.fetchOne(database, sql: "SELECT max(seq) FROM outbox") ?? 0
            var count = 0
            for letter in letters {
                let id = letter.letter.delivery.id
                try database.run("UPDATE dead_letters SET resend = ? WHERE delivery_id = ?", [token, id])
                guard database.changesCount > 0 else { continue }
                seq += 1
                count += 1
                try database.insert(StoredDelivery(seq: seq, delivery: letter.letter.delivery), encoder)
            }
            try database.settleResend(token, encoder, wall: wall)
            return count
        }
    }
}

extension Database {
    /// Letters that were sent again and whose attempts are remembered, newest first.
    private static let remembered = 10_000

    /// What an earlier process did not bring to an end was not done.
    func forgetResends() throws {
        try execute(
            sql: """
                UPDATE dead_letters SET resend = NULL WHERE resend IS NOT NULL;
                UPDATE quarantine SET resend = NULL WHERE resend IS NOT NULL;
                """)
    }

    /// The deliveries of `token` are in the outbox, or accounted for.
    ///
    /// - Parameter wall: when they were sent again; attempts may have been made since.
    func settleResend(_ token: String, _ encoder: ColumnEncoder, wall: Int64) throws {
        let rows = try Row.fetchAll(
            self, sql: "SELECT delivery_id, ordinal, attempts, history FROM dead_letters WHERE resend = ?",
            arguments: [token])
        let decoder = ColumnDecoder()
        for row in rows {
            let history = Store.merged(try decoder.history(row[3]), with: [.mark("sent again by an operator", at: wall)])
            try run(
                """
                INSERT OR REPLACE INTO resent_letters (delivery_id, ordinal, attempts, history, resent_at)
                VALUES (?, ?, ?, ?, ?)
                """, [row[0] as String, row[1] as Int64, row[2] as Int, try encoder.json(history), wall])
        }
        try run("DELETE FROM dead_letters WHERE resend = ?", [token])
        try run("DELETE FROM quarantine WHERE resend = ?", [token])
        guard !rows.isEmpty else { return }
        try run(
            """
            DELETE FROM resent_letters WHERE resent_at <
                (SELECT resent_at FROM resent_letters ORDER BY resent_at DESC LIMIT 1 OFFSET ?)
            """, [Self.remembered])
    }

    func insert(_ letter: DeadLetter, _ encoder: ColumnEncoder) throws {
        let id = letter.delivery.id
        let earlier = try earlier(id)
        let history = Store.merged(earlier?.history ?? [], with: letter.history)
        let ordinal = try earlier?.ordinal ?? nextOrdinal()
        try run(
            """
            INSERT OR REPLACE INTO dead_letters (delivery_id, \(ColumnEncoder.deliveryColumns),
                reason, detail, attempts, history, died_at, ordinal)
            VALUES (?, \(ColumnEncoder.deliveryMarks), ?, ?, ?, ?, ?, ?)
            """,
            StatementArguments([id]) + StatementArguments(try encoder.columns(letter.delivery)) + [
                letter.reason.rawValue, letter.detail, letter.attempts + (earlier?.attempts ?? 0),
                try encoder.json(history), letter.diedAt, ordinal,
            ])
        if earlier != nil { try run("DELETE FROM resent_letters WHERE delivery_id = ?", [id]) }
    }

    private func earlier(_ id: String) throws -> (ordinal: Int64, attempts: Int, history: [AttemptRecord])? {
        let statement = try cachedStatement(
            sql: "SELECT ordinal, attempts, history FROM resent_letters WHERE delivery_id = ?")
        guard let row = try Row.fetchOne(statement, arguments: [id]) else { return nil }
        return (row[0], row[1], try ColumnDecoder().history(row[2]))
    }

    private func nextOrdinal() throws -> Int64 {
        let statement = try cachedStatement(
            sql: """
                SELECT 1 + max(coalesce((SELECT max(ordinal) FROM dead_letters), 0),
                    coalesce((SELECT max(ordinal) FROM resent_letters), 0))
                """)
        return try Int64.fetchOne(statement) ?? 1
    }
}
