import Events
import FoundationEssentials
import GRDB

extension Store {
    /// Bytes that one read of the journal returns, unless a single row has more.
    static let journalReadBytes = 4 << 20

    /// Rows and bytes of the journal.
    package func journalSize() async throws(StoreError) -> (rows: Int, bytes: Int64) {
        try await perform("measure the journal") { database in
            let row = try Row.fetchOne(database, sql: "SELECT rows, bytes FROM journal_size")!
            return (row[0], row[1])
        }
    }

    /// Up to `limit` raw responses of a topic after the journal row `id`, oldest first; fewer if they are large, but at
    /// least one if there is any.
    ///
    /// - Parameter last: inclusive; nil for no bound.
    package func journal(
        of key: Cursor.Key, after id: Int64 = 0, through last: Int64? = nil, limit: Int
    ) async throws(StoreError) -> [JournalRow] {
        try await perform("read the journal") { database in
            let rows = try Row.fetchCursor(
                database.cachedStatement(
                    sql: """
                        SELECT id, received_at, first_replay_id, last_replay_id, events, raw, commit_time FROM journal
                        WHERE id > ? AND id <= ? AND +org = ? AND +topic = ? ORDER BY id LIMIT ?
                        """), arguments: [id, last ?? .max, key.org, key.topic, limit])
            var found: [JournalRow] = []
            var bytes = 0
            while bytes < Self.journalReadBytes, let row = try rows.next() {
                let entry = JournalEntry(
                    org: key.org, topic: key.topic, receivedAt: row[1],
                    firstReplayID: try ColumnDecoder.replayID(row[2]),
                    lastReplayID: try ColumnDecoder.replayID(row[3]), eventCount: row[4],
                    raw: [UInt8](row[5] as Data), commitTime: row[6])
                bytes += entry.raw.count
                found.append(JournalRow(id: row[0], entry: entry))
            }
            return found
        }
    }

    /// Nil if it holds nothing of the topic.
    ///
    /// - Parameters:
    ///   - id: rows after this one only.
    ///   - last: up to this one, inclusive; nil for no bound.
    package func journalSpan(
        of key: Cursor.Key, after id: Int64 = 0, through last: Int64? = nil
    ) async throws(StoreError) -> JournalSpan? {
        try await perform("search the journal") { database in
            let row = try Row.fetchOne(
                database,
                sql: """
                    SELECT min(id), max(id), min(received_at), max(received_at), count(*), sum(events) FROM journal
                    WHERE org = ? AND topic = ? AND id > ? AND id <= ?
                    """, arguments: [key.org, key.topic, id, last ?? .max])
            guard let row, let first = row[0] as Int64? else { return nil }
            return JournalSpan(
                firstRow: first, lastRow: row[1], firstReceivedAt: row[2], lastReceivedAt: row[3], rows: row[4],
                events: row[5])
        }
    }

    /// Events of the rows from `first` to `last` that may have been committed before `until`: at least as many as were.
    package func journalEvents(
        of key: Cursor.Key, from first: Int64, through last: Int64, before until: Int64
    ) async throws(StoreError) -> Int {
        try await perform("search the journal") { database in
            let place: StatementArguments = [key.org, key.topic, first, last, until]
            let rows = "FROM journal WHERE org = ? AND topic = ? AND id >= ? AND id <= ? AND"
            // What was committed before stands in rows that end before it, and in the first that does not.
            let before = try Int.fetchOne(
                database, sql: "SELECT sum(events) \(rows) (commit_time IS NULL OR commit_time < ?)", arguments: place)
            let next = try Int.fetchOne(
                database, sql: "SELECT events \(rows) commit_time >= ? ORDER BY id LIMIT 1", arguments: place)
            return (before ?? 0) + (next ?? 0)
        }
    }

    /// The oldest row there is, of any topic.
    package func journalFirstRow() async throws(StoreError) -> Int64? {
        try await perform("search the journal") { database in
            try Int64.fetchOne(database, sql: "SELECT min(id) FROM journal")
        }
    }

    /// By org and topic: what the journal has anything of.
    package func journalTopics() async throws(StoreError) -> [Cursor.Key] {
        try await perform("search the journal") { database in
            try Row.fetchAll(database, sql: "SELECT DISTINCT org, topic FROM journal ORDER BY org, topic")
                .map { Cursor.Key(org: $0[0], topic: $0[1]) }
        }
    }

    /// The first row of a topic that was received at `time` or later.
    package func journalRow(of key: Cursor.Key, receivedSince time: Int64) async throws(StoreError) -> Int64? {
        try await perform("search the journal") { database in
            try Int64.fetchOne(
                database, sql: "SELECT min(id) FROM journal WHERE org = ? AND topic = ? AND received_at >= ?",
                arguments: [key.org, key.topic, time])
        }
    }

    /// The first row of a topic that has an event committed at `time` or later.
    package func journalRow(of key: Cursor.Key, committedSince time: Int64) async throws(StoreError) -> Int64? {
        try await perform("search the journal") { database in
            try Int64.fetchOne(
                database, sql: "SELECT min(id) FROM journal WHERE org = ? AND topic = ? AND commit_time >= ?",
                arguments: [key.org, key.topic, time])
        }
    }

    /// Rows that are read where an event is likely to stand.
    private static let nearRows = 20

    /// The latest row of a topic in which a replay ID stands: as its last one, by the index; or, found by reading all
    /// of them, anywhere. The caller decodes the row to see whether it is an event's ID.
    ///
    /// - Parameters:
    ///   - before: only rows before this one.
    ///   - time: when the event was committed, if that is known: it most often stands in one of the first rows that reach
    ///     so far, and nothing else need be read.
    package func journalRow(
        of key: Cursor.Key, with replayID: ReplayID, before: Int64 = .max, committedAt time: Int64? = nil
    ) async throws(StoreError) -> Int64? {
        try await perform("search the journal") { database in
            let id = Data(replayID.bytes)
            if let time {
                let near = try Int64.fetchOne(
                    database,
                    sql: """
                        SELECT max(id) FROM (
                            SELECT id, raw FROM journal INDEXED BY journal_committed
                            WHERE org = ? AND topic = ? AND commit_time >= ? ORDER BY commit_time LIMIT ?)
                        WHERE id < ? AND instr(raw, ?) > 0
                        """, arguments: [key.org, key.topic, time, Self.nearRows, before, id])
                if let near { return near }
            }
            for condition in ["last_replay_id = ?", "first_replay_id = ?", "instr(raw, ?) > 0"] {
                let row = try Int64.fetchOne(
                    database, sql: "SELECT max(id) FROM journal WHERE org = ? AND topic = ? AND id < ? AND \(condition)",
                    arguments: [key.org, key.topic, before, id])
                if let row { return row }
            }
            return nil
        }
    }
}

extension Database {
    /// Rows removed in one commit beyond those it adds, so that no commit takes long.
    private static let pruneRows = 200
    /// Free pages that are kept for new rows; more are given back to the file system, as many as this in one commit.
    private static let sparePages = 1_024

    func insert(_ entry: JournalEntry) throws {
        try run(
            """
            INSERT INTO journal
                (org, topic, received_at, first_replay_id, last_replay_id, events, bytes, raw, commit_time)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                entry.org, entry.topic, entry.receivedAt, Data(entry.firstReplayID.bytes),
                Data(entry.lastReplayID.bytes), entry.eventCount, entry.raw.count, Data(entry.raw), entry.commitTime,
            ])
    }

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
}
