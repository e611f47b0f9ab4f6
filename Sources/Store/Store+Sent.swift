import Events
import FoundationEssentials
import GRDB

/// Acknowledged requests, kept where the configuration says so, to be sent again exactly as they were.
extension Store {
    /// Whether they are kept at all.
    package var keepsSent: Bool { limits.sentBytes > 0 }

    /// Adds them, oldest first, and forgets what is beyond the limits.
    package func addSent(_ sent: [SentDelivery], wall: Int64) async throws(StoreError) {
        let limits = limits
        guard keepsSent, !sent.isEmpty else { return }
        try await transaction("keep acknowledged requests") { database in
            let encoder = ColumnEncoder()
            for one in sent {
                try database.run(
                    """
                    INSERT INTO sent (delivery_id, \(ColumnEncoder.deliveryColumns), sent_at)
                    VALUES (?, \(ColumnEncoder.deliveryMarks), ?)
                    """,
                    StatementArguments([one.delivery.id]) + StatementArguments(try encoder.columns(one.delivery))
                        + [one.at])
            }
            try database.pruneSent(limits, wall: wall, atLeast: sent.count)
        }
    }

    /// How many are kept, and since when.
    package func sentSpan() async throws(StoreError) -> (count: Int, since: Int64)? {
        try await perform("measure the acknowledged requests") { database in
            let row = try Row.fetchOne(database, sql: "SELECT count(*), min(sent_at) FROM sent")
            guard let row, let since = row[1] as Int64? else { return nil }
            return (row[0], since)
        }
    }

    /// Up to `limit` of an org's topic after the row `id`, in the order in which they were acknowledged. What a replay has
    /// sent is left out if the delivery was sent before that: otherwise each time of sending again would double the next.
    ///
    /// - Parameter org: its ID, `00D…`: orgs have topics of the same name.
    package func sent(
        of topic: String, org: String, after id: Int64, through last: Int64? = nil, limit: Int
    ) async throws(StoreError) -> [(id: Int64, sent: SentDelivery)] {
        try await perform("read the acknowledged requests") { database in
            let decoder = ColumnDecoder()
            return try Row.fetchAll(
                database,
                sql: """
                    SELECT id, delivery_id, sent_at, \(ColumnEncoder.deliveryColumns) FROM sent
                    WHERE id > ? AND id <= ? AND topic = ? AND org_id = ?
                        AND NOT (substr(delivery_id, -11, 3) = '_rp' AND EXISTS (
                            SELECT 1 FROM sent AS earlier
                            WHERE earlier.delivery_id >= substr(sent.delivery_id, 1, length(sent.delivery_id) - 11)
                                AND earlier.delivery_id < substr(sent.delivery_id, 1, length(sent.delivery_id) - 11) || '_rq'
                                AND earlier.id < sent.id))
                    ORDER BY id LIMIT ?
                    """, arguments: [id, last ?? .max, topic, org, limit]
            ).map { row in
                (row[0], SentDelivery(delivery: try decoder.delivery(row, id: row[1], at: 3), at: row[2]))
            }
        }
    }

    /// The highest row.
    package func lastSent() async throws(StoreError) -> Int64 {
        try await perform("search the acknowledged requests") { database in
            try Int64.fetchOne(database, sql: "SELECT max(id) FROM sent") ?? 0
        }
    }
}

/// An acknowledged request, and when it was acknowledged.
package struct SentDelivery: Sendable, Equatable {
    package var delivery: Delivery
    package var at: Int64

    package init(delivery: Delivery, at: Int64) {
        self.delivery = delivery
        self.at = at
    }
}

extension Database {
    /// Rows removed in one commit beyond those it adds, so that no commit takes long.
    private static let pruneRows = 1_000

    fileprivate func pruneSent(_ limits: StoreLimits, wall: Int64, atLeast added: Int) throws {
        var excess = (try Int64.fetchOne(self, sql: "SELECT bytes FROM sent_size") ?? 0) - limits.sentBytes
        let oldest = wall - limits.sentMilliseconds
        var last: Int64?
        let rows = try Row.fetchCursor(
            cachedStatement(sql: "SELECT id, sent_at, length(body) + 500 FROM sent ORDER BY id LIMIT ?"),
            arguments: [added + Self.pruneRows])
        while let row = try rows.next() {
            guard excess > 0 || (row[1] as Int64) < oldest else { break }
            last = row[0]
            excess -= row[2] as Int64
        }
        if let last { try run("DELETE FROM sent WHERE id <= ?", [last]) }
    }
}
