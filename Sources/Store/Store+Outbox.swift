import Events
import FoundationEssentials
import GRDB

/// Which pending deliveries to read, in the order of the stream.
package struct OutboxRead: Sendable, Equatable {
    package var destination: String
    package var isGathered: Bool
    /// Nil reads across lanes.
    package var lane: String?
    /// Only lanes that begin so. Ends with an ASCII character.
    package var lanePrefix: String?
    /// `Delivery.claimGroup`, of gathered ones only; nil reads across groups.
    package var group: String?
    package var after: Int64
    /// Inclusive; nil for no bound.
    package var through: Int64?
    package var limit: Int

    package init(
        destination: String, isGathered: Bool, lane: String? = nil, lanePrefix: String? = nil, after: Int64,
        through: Int64? = nil, limit: Int
    ) {
        self.destination = destination
        self.isGathered = isGathered
        self.lane = lane
        self.lanePrefix = lanePrefix
        self.after = after
        self.through = through
        self.limit = limit
    }

    /// Claims of one group.
    package init(destination: String, group: String, after: Int64, limit: Int) {
        self.init(destination: destination, isGathered: true, after: after, limit: limit)
        self.group = group
    }
}

extension Store {
    /// Performs several reads in one go; the answers are in the order of the questions.
    package func pending(_ reads: [OutboxRead]) async throws(StoreError) -> [[StoredDelivery]] {
        try await perform("read pending deliveries") { database in
            let decoder = ColumnDecoder()
            return try reads.map { try database.pending($0, decoder) }
        }
    }

    /// What waits, by destination.
    package func pendingCounts() async throws(StoreError) -> [PendingCount] {
        try await perform("count pending deliveries") { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT destination, gathered, pending, (SELECT time FROM outbox WHERE seq = first) FROM (
                        SELECT destination, gathered, count(*) AS pending, min(seq) AS first FROM outbox
                        GROUP BY destination, gathered)
                    """
            ).map { PendingCount(destination: $0[0], isGathered: $0[1], count: $0[2], oldestTime: $0[3]) }
        }
    }

    /// Groups of the claims that wait, by destination.
    package func claimGroups() async throws(StoreError) -> [String: [String]] {
        try await perform("read the groups of pending claims") { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT DISTINCT destination, \(StoreMigrations.claimGroup)
                    FROM outbox INDEXED BY outbox_claims WHERE gathered = 1
                    """)
            return Dictionary(grouping: rows) { $0[0] as String }.mapValues { $0.map { $0[1] as String } }
        }
    }

    /// The highest sequence number in the outbox; 0 when it is empty.
    package func lastSeq() async throws(StoreError) -> Int64 {
        try await perform("read the outbox") { database in
            try Int64.fetchOne(database, sql: "SELECT max(seq) FROM outbox") ?? 0
        }
    }
}

extension Database {
    fileprivate func pending(_ read: OutboxRead, _ decoder: ColumnDecoder) throws -> [StoredDelivery] {
        let rows = try Row.fetchCursor(cachedStatement(sql: read.sql), arguments: read.arguments)
        var found: [StoredDelivery] = []
        while let row = try rows.next() {
            let progress = DeliveryProgress(
                attempts: row[2], heldAttempts: row[3], firstAttemptAt: row[4], nextAttemptAt: row[5],
                history: try decoder.history(row[6]))
            found.append(
                StoredDelivery(
                    seq: row[0], delivery: try decoder.delivery(row, id: row[1], at: 7), progress: progress))
        }
        return found
    }
}

extension OutboxRead {
    var sql: String {
        """
        SELECT seq, id, attempts, held_attempts, first_attempt_at, next_attempt_at, history,
            \(ColumnEncoder.deliveryColumns) FROM outbox \(place) AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?
        """
    }

    private var place: String {
        // Written out, so that the partial index serves, and named, since one by order alone passes all other groups.
        if group != nil {
            return "INDEXED BY outbox_claims WHERE gathered = 1 AND destination = ? AND \(StoreMigrations.claimGroup) = ?"
        }
        // In the order of the stream, rather than sorted from as many lanes as there are.
        if lanePrefix != nil {
            return "INDEXED BY outbox_queue WHERE destination = ? AND gathered = ? AND lane >= ? AND lane < ?"
        }
        return "WHERE destination = ? AND gathered = ?" + (lane == nil ? "" : " AND lane = ?")
    }

    /// From the prefix to what would come after everything that begins with it.
    private var lanePrefixRange: StatementArguments {
        guard let lanePrefix, let last = lanePrefix.utf8.last else { return [] }
        let end = Array(lanePrefix.utf8.dropLast()) + [last + 1]
        return [lanePrefix, String(decoding: end, as: UTF8.self)]
    }

    var arguments: StatementArguments {
        let place: StatementArguments =
            group.map { [destination, $0] } ?? [destination, isGathered] + (lane.map { [$0] } ?? lanePrefixRange)
        return place + [after, through ?? .max, limit]
    }
}
