import Events
import FoundationEssentials
import GRDB

extension Store {
    package func cursor(_ key: Cursor.Key) async throws(StoreError) -> Cursor? {
        try await cursors().first { $0.key == key }
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
            ).map { row in
                Cursor(
                    key: Cursor.Key(org: row[0], topic: row[1]), orgID: row[2], instanceURL: row[3],
                    replayID: try ColumnDecoder.replayID(row[4]), commitTime: row[5], updatedAt: row[6])
            }
        }
    }

    /// Takes a cursor away, so that its topic starts as if it were new.
    package func removeCursor(_ key: Cursor.Key) async throws(StoreError) {
        try await perform("remove the cursor of \(key.topic)") { database in
            try database.execute(
                sql: "DELETE FROM cursors WHERE org = ? AND topic = ?", arguments: [key.org, key.topic])
        }
    }

    package func set(_ state: StreamState) async throws(StoreError) {
        try await perform("write the state of \(state.key.topic)") { database in
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO stream_state
                        (org, topic, state, detail, since, last_received_at, reconnects) VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    state.key.org, state.key.topic, state.state, state.detail, state.since, state.lastReceivedAt,
                    state.reconnects,
                ])
        }
    }

    package func streamStates() async throws(StoreError) -> [StreamState] {
        try await perform("read the states of topics") { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT org, topic, state, detail, since, last_received_at, reconnects
                    FROM stream_state ORDER BY org, topic
                    """
            ).map {
                StreamState(
                    key: Cursor.Key(org: $0[0], topic: $0[1]), state: $0[2], detail: $0[3], since: $0[4],
                    lastReceivedAt: $0[5], reconnects: $0[6])
            }
        }
    }

    package func destinationStates() async throws(StoreError) -> [DestinationState] {
        try await perform("read the states of destinations") { database in
            try Row.fetchAll(
                database,
                sql: "SELECT destination, state, detail, since, next_try FROM destination_state ORDER BY destination"
            ).map { DestinationState(destination: $0[0], state: $0[1], detail: $0[2], since: $0[3], nextTry: $0[4]) }
        }
    }

    package func add(_ statement: LossStatement) async throws(StoreError) {
        var group = CommitGroup()
        group.statements = [statement]
        try await commit(group, wall: statement.at)
    }

    /// Newest first.
    package func statements(limit: Int = 20) async throws(StoreError) -> [LossStatement] {
        try await perform("read the statements of loss") { database in
            try Row.fetchAll(
                database, sql: "SELECT at, org, topic, kind, text FROM statements ORDER BY id DESC LIMIT ?",
                arguments: [limit]
            ).map { LossStatement(at: $0[0], key: Cursor.Key(org: $0[1], topic: $0[2]), kind: $0[3], text: $0[4]) }
        }
    }
}
