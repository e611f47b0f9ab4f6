import Events
import FoundationEssentials
import GRDB

extension Store {
    /// Adds a replay, or writes its new state; on disk when it returns.
    package func save(_ replay: ReplayRecord) async throws(StoreError) {
        try await synced("save the replay \(replay.id)") { database in
            try database.run(
                """
                INSERT INTO replays (id, plan, state, detail, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET state = excluded.state, detail = excluded.detail,
                    updated_at = excluded.updated_at
                """,
                [
                    replay.id, String(decoding: replay.plan, as: UTF8.self), replay.state.rawValue, replay.detail,
                    replay.createdAt, replay.updatedAt,
                ])
            try database.pruneReplays()
        }
    }

    /// Newest first.
    package func replays() async throws(StoreError) -> [ReplayRecord] {
        try await perform("read the replays") { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT id, plan, state, detail, created_at, updated_at FROM replays
                    ORDER BY created_at DESC, id DESC
                    """
            ).map {
                ReplayRecord(
                    id: $0[0], plan: [UInt8](($0[1] as String).utf8),
                    state: ReplayRecord.State(rawValue: $0[2]) ?? .failed, detail: $0[3], createdAt: $0[4],
                    updatedAt: $0[5])
            }
        }
    }

    package func replay(_ id: String) async throws(StoreError) -> ReplayRecord? {
        try await replays().first { $0.id == id }
    }

    /// By org and topic. Topics that were not begun are not there.
    package func replayPositions(_ replay: String) async throws(StoreError) -> [ReplayPosition] {
        try await perform("read the replay \(replay)") { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT org, topic, replay_id, commit_time, journal_row, event_offset, events, deliveries, failures,
                        undecodable, is_done, updated_at FROM replay_positions WHERE replay = ? ORDER BY org, topic
                    """, arguments: [replay]
            ).map { row in
                var progress = ReplayProgress()
                progress.journalRow = row[4]
                progress.eventOffset = row[5]
                progress.events = row[6]
                progress.deliveries = row[7]
                progress.failures = row[8]
                progress.undecodable = row[9]
                progress.isDone = row[10]
                return ReplayPosition(
                    key: Cursor.Key(org: row[0], topic: row[1], scope: .replay(replay)),
                    replayID: try (row[2] as Data?).map(ColumnDecoder.replayID), commitTime: row[3], progress: progress,
                    updatedAt: row[11])
            }
        }
    }

    /// A topic of a replay is at its end. Only once everything before is committed.
    package func finishReplay(
        _ replay: String, of key: Cursor.Key, _ progress: ReplayProgress, wall: Int64
    ) async throws(StoreError) {
        try await perform("end the replay \(replay)") { database in
            try database.upsert(progress, replay: replay, key: key, replayID: nil, commitTime: nil, at: wall)
        }
    }
}

extension Database {
    /// Replays that ended are remembered, this many.
    private static let rememberedReplays = 200

    func insert(_ cursor: Cursor, of replay: String) throws {
        guard let progress = cursor.replay else { preconditionFailure("a replay's position without its progress") }
        try upsert(
            progress, replay: replay, key: cursor.key, replayID: cursor.replayID, commitTime: cursor.commitTime,
            at: cursor.updatedAt)
    }

    fileprivate func upsert(
        _ progress: ReplayProgress, replay: String, key: Cursor.Key, replayID: ReplayID?, commitTime: Int64?,
        at wall: Int64
    ) throws {
        try run(
            """
            INSERT INTO replay_positions (replay, org, topic, replay_id, commit_time, journal_row, event_offset, events,
                deliveries, failures, undecodable, is_done, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (replay, org, topic) DO UPDATE SET replay_id = coalesce(excluded.replay_id, replay_id),
                commit_time = coalesce(excluded.commit_time, commit_time), journal_row = excluded.journal_row,
                event_offset = excluded.event_offset, events = excluded.events, deliveries = excluded.deliveries,
                failures = excluded.failures, undecodable = excluded.undecodable, is_done = excluded.is_done,
                updated_at = excluded.updated_at
            """,
            [
                replay, key.org, key.topic, replayID.map { Data($0.bytes) }, commitTime, progress.journalRow,
                progress.eventOffset, progress.events, progress.deliveries, progress.failures, progress.undecodable,
                progress.isDone, wall,
            ])
    }

    fileprivate func pruneReplays() throws {
        let finals = ReplayRecord.State.allCases.filter(\.isFinal).map { "'\($0.rawValue)'" }.joined(separator: ", ")
        try execute(
            sql: """
                DELETE FROM replays WHERE state IN (\(finals)) AND id NOT IN (SELECT id FROM replays
                    WHERE state IN (\(finals)) ORDER BY created_at DESC LIMIT \(Self.rememberedReplays));
                DELETE FROM replay_positions WHERE replay NOT IN (SELECT id FROM replays)
                """)
    }
}
