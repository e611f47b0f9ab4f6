import Events
import FoundationEssentials
import GRDB

extension Store {
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

    /// Topics that are not subscribed to any more have no state.
    package func keepStates(ofTopics keys: Set<Cursor.Key>) async throws(StoreError) {
        try await perform("forget the states of topics") { database in
            for row in try Row.fetchAll(database, sql: "SELECT org, topic FROM stream_state") {
                let key = Cursor.Key(org: row[0], topic: row[1])
                guard !keys.contains(key) else { continue }
                try database.run("DELETE FROM stream_state WHERE org = ? AND topic = ?", [key.org, key.topic])
            }
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
}
