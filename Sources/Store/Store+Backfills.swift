import Events
import FoundationEssentials
import GRDB

extension Store {
    /// Adds one, or writes its new state; on disk when it returns. Its progress is written by `save(_:of:)` only.
    package func save(_ backfill: BackfillRecord) async throws(StoreError) {
        try await synced("save the backfill \(backfill.id)") { database in
            try database.run(
                """
                INSERT INTO backfills (id, plan, state, detail, progress, settled, created_at, updated_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET state = excluded.state, detail = excluded.detail,
                    settled = excluded.settled, updated_at = excluded.updated_at
                """,
                [
                    backfill.id, String(decoding: backfill.plan, as: UTF8.self), backfill.state.rawValue,
                    backfill.detail, try Self.text(backfill.progress), backfill.isSettled, backfill.createdAt,
                    backfill.updatedAt,
                ])
            try database.pruneBackfills()
        }
    }

    package func save(
        _ progress: BackfillProgress, of backfill: String, wall: Int64
    ) async throws(StoreError) {
        try await perform("save how far the backfill \(backfill) is") { database in
            try database.run(
                "UPDATE backfills SET progress = ?, updated_at = ? WHERE id = ?",
                [try Self.text(progress), wall, backfill])
        }
    }

    /// Newest first.
    package func backfills() async throws(StoreError) -> [BackfillRecord] {
        try await perform("read the backfills") { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT id, plan, state, detail, progress, settled, created_at, updated_at FROM backfills
                    ORDER BY created_at DESC, id DESC
                    """
            ).map { row in
                var record = BackfillRecord(
                    id: row[0], plan: [UInt8]((row[1] as String).utf8),
                    state: BackfillRecord.State(rawValue: row[2]) ?? .failed, detail: row[3], createdAt: row[6])
                record.progress = try JSONDecoder().decode(
                    BackfillProgress.self, from: Data((row[4] as String).utf8))
                record.isSettled = row[5]
                record.updatedAt = row[7]
                return record
            }
        }
    }

    package func backfill(_ id: String) async throws(StoreError) -> BackfillRecord? {
        try await backfills().first { $0.id == id }
    }

    private static func text(_ progress: BackfillProgress) throws -> String {
        String(decoding: try JSONEncoder().encode(progress), as: UTF8.self)
    }
}

/// Up to which commit time what was handed over of a record holds its changes.
extension Store {
    /// - Parameter covers: epoch milliseconds by record ID. The later time stays.
    package func addMarks(
        _ covers: [(id: String, covers: Int64)], org: String, entity: String
    ) async throws(StoreError) {
        guard !covers.isEmpty else { return }
        try await transaction("mark \(covers.count) records of \(entity)") { database in
            let statement = try database.cachedStatement(
                sql: """
                    INSERT INTO backfill_marks (org, entity, record_id, covers) VALUES (?, ?, ?, ?)
                    ON CONFLICT (org, entity, record_id) DO UPDATE SET covers = max(covers, excluded.covers)
                    """)
            for mark in covers { try statement.execute(arguments: [org, entity, mark.id, mark.covers]) }
        }
    }

    /// Only those of the records that are marked.
    package func marks(
        of records: Set<String>, org: String, entity: String
    ) async throws(StoreError) -> [String: Int64] {
        try await perform("look up marks of \(entity)") { database in
            let statement = try database.cachedStatement(
                sql: "SELECT covers FROM backfill_marks WHERE org = ? AND entity = ? AND record_id = ?")
            var found: [String: Int64] = [:]
            for id in records {
                found[id] = try Int64.fetchOne(statement, arguments: [org, entity, id])
            }
            return found
        }
    }

    /// - Returns: how many were removed; fewer than `limit` means all are gone.
    package func removeMarks(org: String, entity: String, limit: Int) async throws(StoreError) -> Int {
        try await perform("forget marks of \(entity)") { database in
            try database.run(
                """
                DELETE FROM backfill_marks WHERE (org, entity, record_id) IN
                    (SELECT org, entity, record_id FROM backfill_marks WHERE org = ? AND entity = ? LIMIT ?)
                """, [org, entity, limit])
            return database.changesCount
        }
    }
}

extension Database {
    /// Backfills that ended are remembered, this many; those that the configuration asks for always, since they are
    /// made once.
    private static let rememberedBackfills = 200

    fileprivate func pruneBackfills() throws {
        let ended = """
            settled AND state <> 'running' AND state <> 'paused' AND json_extract(plan, '$.isConfigured') IS NOT 1
            """
        try execute(
            sql: """
                DELETE FROM backfills WHERE \(ended) AND id NOT IN (SELECT id FROM backfills WHERE \(ended)
                    ORDER BY created_at DESC LIMIT \(Self.rememberedBackfills))
                """)
    }
}
