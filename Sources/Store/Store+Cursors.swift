import Events
import FoundationEssentials
import GRDB

extension Store {
    package func cursor(_ key: Cursor.Key) async throws(StoreError) -> Cursor? {
        try await cursors().first { $0.key == key }
    }

    /// The same, once it is on disk with everything that was committed before it: for who tells others about it.
    package func syncedCursor(_ key: Cursor.Key) async throws(StoreError) -> Cursor? {
        try await synced("sync the cursor of \(key.topic)") { database in
            // Only a transaction that writes something is synced.
            try database.run(
                "UPDATE cursors SET updated_at = updated_at WHERE org = ? AND topic = ?", [key.org, key.topic])
            return try Row.fetchOne(
                database,
                sql: """
                    SELECT org, topic, org_id, instance_url, replay_id, commit_time, updated_at
                    FROM cursors WHERE org = ? AND topic = ?
                    """, arguments: [key.org, key.topic]
            ).map(Cursor.init(live:))
        }
    }

    /// By org and topic.
    package func cursors() async throws(StoreError) -> [Cursor] {
        try await perform("read the cursors") { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT org, topic, org_id, instance_url, replay_id, commit_time, updated_at
                    FROM cursors ORDER BY org, topic
                    """
            ).map(Cursor.init(live:))
        }
    }

    /// Puts a topic's cursor somewhere else, or takes it away (nil), so that the topic starts as if it were new. The
    /// statement says what that skips or repeats; both are written together, and synced before this returns.
    package func moveCursor(
        _ key: Cursor.Key, to cursor: Cursor?, saying statement: LossStatement
    ) async throws(StoreError) {
        precondition(key.scope == .live && (cursor == nil || cursor?.key == key), "not the cursor of \(key.topic)")
        try await synced("move the cursor of \(key.topic)") { database in
            try database.run("DELETE FROM cursors WHERE org = ? AND topic = ?", [key.org, key.topic])
            if let cursor { try database.insert(cursor) }
            try database.insert(statement)
        }
    }

    /// Takes a cursor away, so that its topic starts as if it were new.
    package func removeCursor(_ key: Cursor.Key) async throws(StoreError) {
        try await perform("remove the cursor of \(key.topic)") { database in
            try database.execute(
                sql: "DELETE FROM cursors WHERE org = ? AND topic = ?", arguments: [key.org, key.topic])
        }
    }

    // MARK: Named

    /// Keeps where topics are under a name, which then means these and no others. Cursors and the journal's ends are
    /// read in the same moment.
    ///
    /// - Returns: how many of the topics have a cursor.
    package func saveCursors(
        of keys: [Cursor.Key], as name: String, wall: Int64
    ) async throws(StoreError) -> Int {
        try await synced("save the cursor \(name)") { database in
            try database.run("DELETE FROM saved_cursors WHERE name = ?", [name])
            for key in keys {
                try database.run(
                    """
                    INSERT INTO saved_cursors
                        (name, org, topic, org_id, instance_url, replay_id, commit_time, journal_row, saved_at)
                    SELECT ?1, org, topic, org_id, instance_url, replay_id, commit_time,
                        (SELECT ifnull(max(id), 0) FROM journal), ?4
                    FROM cursors WHERE org = ?2 AND topic = ?3
                    """, [name, key.org, key.topic, wall])
            }
            return try Int.fetchOne(database, sql: "SELECT count(*) FROM saved_cursors WHERE name = ?", arguments: [name])!
        }
    }

    /// By name, org and topic.
    ///
    /// - Parameter name: of one name only.
    package func savedCursors(_ name: String? = nil) async throws(StoreError) -> [SavedCursor] {
        try await perform("read the saved cursors") { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT org, topic, org_id, instance_url, replay_id, commit_time, saved_at, name, journal_row
                    FROM saved_cursors WHERE ?1 IS NULL OR name = ?1 ORDER BY name, org, topic
                    """, arguments: [name]
            ).map { SavedCursor(name: $0[7], cursor: try Cursor(live: $0), journalRow: $0[8]) }
        }
    }

    /// - Returns: whether there was one of that name.
    package func removeSavedCursors(_ name: String) async throws(StoreError) -> Bool {
        try await perform("remove the saved cursor \(name)") { database in
            try database.run("DELETE FROM saved_cursors WHERE name = ?", [name])
            return database.changesCount > 0
        }
    }
}

/// Where a topic was when an operator gave that a name.
package struct SavedCursor: Sendable, Equatable {
    package var name: String
    /// `updatedAt` is when it was saved.
    package var cursor: Cursor
    /// The journal's last row at that moment, 0 when it had none: whatever is behind the cursor stands in later rows. Nil
    /// if an earlier version saved it while the journal had none of the topic.
    package var journalRow: Int64?

    package init(name: String, cursor: Cursor, journalRow: Int64?) {
        self.name = name
        self.cursor = cursor
        self.journalRow = journalRow
    }
}

extension Cursor {
    /// Of the columns org, topic, org_id, instance_url, replay_id, commit_time and a time.
    fileprivate init(live row: Row) throws {
        self.init(
            key: Key(org: row[0], topic: row[1]), orgID: row[2], instanceURL: row[3],
            replayID: try ColumnDecoder.replayID(row[4]), commitTime: row[5], updatedAt: row[6])
    }
}

extension Database {
    func insert(_ cursor: Cursor) throws {
        try run(
            """
            INSERT INTO cursors (org, topic, org_id, instance_url, replay_id, commit_time, updated_at)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (org, topic) DO UPDATE SET org_id = excluded.org_id, instance_url = excluded.instance_url,
                replay_id = excluded.replay_id, commit_time = coalesce(excluded.commit_time, commit_time),
                updated_at = excluded.updated_at
            """,
            [
                cursor.key.org, cursor.key.topic, cursor.orgID, cursor.instanceURL, Data(cursor.replayID.bytes),
                cursor.commitTime, cursor.updatedAt,
            ])
    }
}
