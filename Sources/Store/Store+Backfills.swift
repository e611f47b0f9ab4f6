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
