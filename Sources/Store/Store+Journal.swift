import Events
import FoundationEssentials
import GRDB

extension Store {
    /// Rows and bytes of the journal.
    package func journalSize() async throws(StoreError) -> (rows: Int, bytes: Int64) {
        try await perform("measure the journal") { database in
            let row = try Row.fetchOne(database, sql: "SELECT rows, bytes FROM journal_size")!
            return (row[0], row[1])
        }
    }

    /// Up to `limit` raw responses of a topic after the journal row `id`, oldest first.
    package func journal(
        of key: Cursor.Key, after id: Int64 = 0, limit: Int
    ) async throws(StoreError) -> [(id: Int64, entry: JournalEntry)] {
        try await perform("read the journal") { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT id, received_at, first_replay_id, last_replay_id, events, raw FROM journal
                    WHERE id > ? AND org = ? AND topic = ? ORDER BY id LIMIT ?
                    """, arguments: [id, key.org, key.topic, limit]
            ).map { row in
                let entry = JournalEntry(
                    org: key.org, topic: key.topic, receivedAt: row[1],
                    firstReplayID: try ColumnDecoder.replayID(row[2]),
                    lastReplayID: try ColumnDecoder.replayID(row[3]), eventCount: row[4],
                    raw: [UInt8](row[5] as Data))
                return (row[0], entry)
            }
        }
    }
}

extension Database {
    /// Rows removed in one commit beyond those it adds, so that no commit takes long.
    private static let pruneRows = 200
    /// Free pages that are kept for new rows; more are given back to the file system, as many as this in one commit.
    private static let sparePages = 1_024

    /// Removes old rows, and the oldest ones beyond the limit of bytes.
    func pruneJournal(_ limits: StoreLimits, wall: Int64, atLeast added: Int) throws {
        let total = try Int64.fetchOne(self, sql: "SELECT bytes FROM journal_size") ?? 0
        var excess = total - limits.journalBytes
        let oldest = wall - limits.journalMilliseconds
        var last: Int64?
        let rows = try Row.fetchCursor(
            cachedStatement(sql: "SELECT id, received_at, bytes FROM journal ORDER BY id LIMIT ?"),
            arguments: [added + Self.pruneRows])
        while let row = try rows.next() {
            guard excess > 0 || (row[1] as Int64) < oldest else { break }
            last = row[0]
            excess -= row[2] as Int64
        }
        guard let last else { return }
        try cachedStatement(sql: "DELETE FROM journal WHERE id <= ?").execute(arguments: [last])
        try giveBackPages()
    }

    private func giveBackPages() throws {
        let free = try Int.fetchOne(self, sql: "PRAGMA freelist_count") ?? 0
        guard free > 4 * Self.sparePages else { return }
        // Each step of this statement frees one page; it must be run to its end.
        _ = try Row.fetchAll(self, sql: "PRAGMA incremental_vacuum(\(Self.sparePages))")
    }

    func pruneStatements(keeping limit: Int) throws {
        try execute(
            sql: "DELETE FROM statements WHERE id <= (SELECT max(id) FROM statements) - ?", arguments: [limit])
    }
}
