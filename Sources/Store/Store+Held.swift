import Events
import FoundationEssentials
import GRDB

extension Store {
    /// In the order in which they came.
    package func heldEvents(org: String) async throws(StoreError) -> [HeldEvent] {
        try await perform("read the events that wait for their records") { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT topic, replay_id, record_id, org_id, entity, schema_id, event_id, payload, received_at
                    FROM held_events WHERE org = ? ORDER BY id
                    """, arguments: [org]
            ).map { row in
                HeldEvent(
                    key: HeldEvent.Key(
                        org: org, topic: row[0], replayID: try ColumnDecoder.replayID(row[1]), recordID: row[2]),
                    orgID: row[3], entity: row[4], schemaID: row[5], eventID: row[6],
                    payload: [UInt8](row[7] as Data), receivedAt: row[8])
            }
        }
    }

    package func heldCounts() async throws(StoreError) -> [HeldCount] {
        try await perform("count the events that wait for their records") { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT org, topic, entity, count(DISTINCT record_id), count(*), min(received_at) FROM held_events
                    GROUP BY org, topic, entity ORDER BY org, topic, entity
                    """
            ).map { row in
                HeldCount(
                    org: row[0], topic: row[1], entity: row[2], records: row[3], events: row[4],
                    oldestReceivedAt: row[5])
            }
        }
    }

    /// Objects of an org of which any record is marked.
    package func markedEntities(org: String) async throws(StoreError) -> [String] {
        try await perform("look up which objects are marked") { database in
            try String.fetchAll(
                database, sql: "SELECT DISTINCT entity FROM record_marks WHERE org = ?", arguments: [org])
        }
    }
}

/// Up to which commit time what was handed over of a record holds its changes, for each rule.
package struct RecordMark: Sendable, Equatable {
    package var recordID: String
    /// Empty stands for every rule.
    package var rule: String
    /// Epoch milliseconds.
    package var covers: Int64

    package init(recordID: String, rule: String, covers: Int64) {
        self.recordID = recordID
        self.rule = rule
        self.covers = covers
    }
}

extension Store {
    /// The later time stays. On disk when it returns: what is marked is sent next, and a mark that the power took along
    /// would let an older event pass behind it.
    package func addMarks(_ marks: [RecordMark], org: String, entity: String) async throws(StoreError) {
        guard !marks.isEmpty else { return }
        try await synced("mark \(marks.count) records of \(entity)") { database in
            let statement = try database.cachedStatement(
                sql: """
                    INSERT INTO record_marks (org, entity, record_id, rule, covers) VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT (org, entity, record_id, rule) DO UPDATE SET covers = max(covers, excluded.covers)
                    """)
            for mark in marks { try statement.execute(arguments: [org, entity, mark.recordID, mark.rule, mark.covers]) }
        }
    }

    /// By record, and then by rule; only those of the records that are marked.
    package func marks(
        of records: Set<String>, org: String, entity: String
    ) async throws(StoreError) -> [String: [String: Int64]] {
        try await perform("look up marks of \(entity)") { database in
            let statement = try database.cachedStatement(
                sql: "SELECT rule, covers FROM record_marks WHERE org = ? AND entity = ? AND record_id = ?")
            var found: [String: [String: Int64]] = [:]
            for id in records {
                for row in try Row.fetchAll(statement, arguments: [org, entity, id]) {
                    found[id, default: [:]][row[0]] = row[1]
                }
            }
            return found
        }
    }

    /// - Parameter until: only marks that cover no later time go.
    /// - Returns: how many were removed; fewer than `limit` means all are gone.
    package func removeMarks(
        org: String, entity: String, until: Int64, limit: Int
    ) async throws(StoreError) -> Int {
        try await perform("forget marks of \(entity)") { database in
            try database.run(
                """
                DELETE FROM record_marks WHERE (org, entity, record_id, rule) IN
                    (SELECT org, entity, record_id, rule FROM record_marks
                     WHERE org = ? AND entity = ? AND covers <= ? LIMIT ?)
                """, [org, entity, until, limit])
            return database.changesCount
        }
    }
}

extension Database {
    /// One that is held already is left as it is.
    func insert(_ event: HeldEvent) throws {
        try run(
            """
            INSERT INTO held_events (org, topic, replay_id, record_id, org_id, entity, schema_id, event_id, payload,
                received_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (org, topic, replay_id, record_id) DO NOTHING
            """,
            [
                event.key.org, event.key.topic, Data(event.key.replayID.bytes), event.key.recordID, event.orgID,
                event.entity, event.schemaID, event.eventID, Data(event.payload), event.receivedAt,
            ])
    }

    func release(_ key: HeldEvent.Key) throws {
        try run(
            "DELETE FROM held_events WHERE org = ? AND topic = ? AND replay_id = ? AND record_id = ?",
            [key.org, key.topic, Data(key.replayID.bytes), key.recordID])
    }
}
