import Events
import GRDB

extension Store {
    package func add(_ statement: LossStatement) async throws(StoreError) {
        var group = CommitGroup()
        group.statements = [statement]
        try await commit(group, wall: statement.at)
    }

    /// Newest first.
    ///
    /// - Parameters:
    ///   - key: of one topic only.
    ///   - kind: of one kind only.
    package func statements(
        of key: Cursor.Key? = nil, kind: String? = nil, limit: Int = 20
    ) async throws(StoreError) -> [LossStatement] {
        try await perform("read the statements of loss") { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT at, org, topic, kind, text, lost_from, lost_until FROM statements
                    WHERE (?1 IS NULL OR (org = ?1 AND topic = ?2)) AND (?3 IS NULL OR kind = ?3)
                    ORDER BY id DESC LIMIT ?4
                    """, arguments: [key?.org, key?.topic, kind, limit]
            ).map {
                LossStatement(
                    at: $0[0], key: Cursor.Key(org: $0[1], topic: $0[2]), kind: $0[3], text: $0[4], lostFrom: $0[5],
                    lostUntil: $0[6])
            }
        }
    }

    /// By org, topic and kind; statements that were forgotten meanwhile count too.
    package func lossCounts() async throws(StoreError) -> [LossCount] {
        try await perform("count the statements of loss") { database in
            try Row.fetchAll(
                database, sql: "SELECT org, topic, kind, count, last_at FROM loss_counts ORDER BY org, topic, kind"
            ).map {
                LossCount(key: Cursor.Key(org: $0[0], topic: $0[1]), kind: $0[2], count: $0[3], lastAt: $0[4])
            }
        }
    }
}

extension Database {
    func insert(_ statement: LossStatement) throws {
        let key = statement.key
        try run(
            "INSERT INTO statements (at, org, topic, kind, text, lost_from, lost_until) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                statement.at, key.org, key.topic, statement.kind, statement.text, statement.lostFrom,
                statement.lostUntil,
            ])
        try run(
            """
            INSERT INTO loss_counts (org, topic, kind, count, last_at) VALUES (?1, ?2, ?3, 1, ?4)
            ON CONFLICT (org, topic, kind) DO UPDATE SET count = count + 1, last_at = excluded.last_at
            """, [key.org, key.topic, statement.kind, statement.at])
    }

    func pruneStatements(keeping limit: Int) throws {
        try execute(
            sql: "DELETE FROM statements WHERE id <= (SELECT max(id) FROM statements) - ?", arguments: [limit])
    }
}
