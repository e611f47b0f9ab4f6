import Events
import FoundationEssentials
import GRDB

extension Store {
    /// By destination.
    package func deadLetterCounts() async throws(StoreError) -> [String: Int] {
        try await perform("count the dead letters") { database in
            var counts: [String: Int] = [:]
            let sql = "SELECT destination, count(*) FROM dead_letters GROUP BY destination"
            for row in try Row.fetchAll(database, sql: sql) { counts[row[0]] = row[1] }
            return counts
        }
    }

    /// By destination: the rules of its dead letters, in order.
    package func deadLetterRules() async throws(StoreError) -> [String: [String]] {
        try await perform("read the rules of the dead letters") { database in
            var rules: [String: [String]] = [:]
            let sql = "SELECT DISTINCT destination, rule FROM dead_letters ORDER BY destination, rule"
            for row in try Row.fetchAll(database, sql: sql) { rules[row[0], default: []].append(row[1]) }
            return rules
        }
    }

    /// Of dead letters and of quarantined events.
    package func deadTopics() async throws(StoreError) -> [String] {
        try await perform("read the topics of the dead letters") { database in
            try String.fetchAll(database, sql: "SELECT topic FROM dead_letters UNION SELECT topic FROM quarantine")
        }
    }

    /// Newest first.
    package func deadLetters(
        destination: String? = nil, limit: Int = 100
    ) async throws(StoreError) -> [DeadLetter] {
        var filter = DeadLetterFilter()
        filter.destination = destination
        filter.limit = limit
        return try await deadLetters(filter, newestFirst: true).map(\.letter)
    }

    /// - Parameters:
    ///   - newestFirst: by the latest death; otherwise in the order in which they died first, which within a lane is
    /// that     of the stream.
    ///   - after: only those behind this ordinal, in that order.
    package func deadLetters(
        _ filter: DeadLetterFilter, newestFirst: Bool, after ordinal: Int64 = 0
    ) async throws(StoreError) -> [StoredDeadLetter] {
        try await perform("read the dead letters") { database in
            let decoder = ColumnDecoder()
            let (condition, arguments) = filter.deadLetters
            return try Row.fetchAll(
                database,
                sql: """
                    SELECT delivery_id, reason, detail, attempts, history, died_at, ordinal, resend,
                        \(ColumnEncoder.deliveryColumns) FROM dead_letters WHERE ordinal > ? AND \(condition)
                    ORDER BY \(newestFirst ? "id DESC" : "ordinal, id") LIMIT ?
                    """, arguments: [ordinal] + arguments + [filter.limit ?? -1]
            ).map { row in
                let letter = DeadLetter(
                    delivery: try decoder.delivery(row, id: row[0], at: 8),
                    reason: DeadLetter.Reason(rawValue: row[1]) ?? .rejected, detail: row[2], attempts: row[3],
                    history: try decoder.history(row[4]), diedAt: row[5])
                return StoredDeadLetter(ordinal: row[6], letter: letter, isResending: (row[7] as String?) != nil)
            }
        }
    }

    /// How many there are, whatever the filter's limit.
    package func deadLetterCount(_ filter: DeadLetterFilter) async throws(StoreError) -> Int {
        try await perform("count the dead letters") { database in
            let (condition, arguments) = filter.deadLetters
            return try Int.fetchOne(
                database, sql: "SELECT count(*) FROM dead_letters WHERE \(condition)", arguments: arguments) ?? 0
        }
    }

    /// Forgets them, oldest first. Those that are being sent again stay.
    ///
    /// - Returns: how many.
    package func dropDeadLetters(_ filter: DeadLetterFilter) async throws(StoreError) -> Int {
        try await synced("drop dead letters") { database in
            let (condition, arguments) = filter.deadLetters
            try database.execute(
                sql: """
                    DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters
                        WHERE resend IS NULL AND \(condition) ORDER BY ordinal, id LIMIT ?)
                    """, arguments: arguments + [filter.limit ?? -1])
            return database.changesCount
        }
    }

    /// Replaces the body, and says so in the list of attempts. It stays a dead letter.
    ///
    /// - Returns: whether there is one of this ID that is not being sent again.
    package func editDeadLetter(
        _ id: String, body: [UInt8], mark: AttemptRecord
    ) async throws(StoreError) -> Bool {
        try await synced("edit the dead letter \(id)") { database in
            let sql = "SELECT history FROM dead_letters WHERE delivery_id = ? AND resend IS NULL"
            guard let row = try Row.fetchOne(database, sql: sql, arguments: [id]) else { return false }
            let history = try ColumnDecoder().history(row[0])
            try database.run(
                "UPDATE dead_letters SET body = ?, history = ? WHERE delivery_id = ?",
                [Data(body), try ColumnEncoder().json(Self.merged(history, with: [mark])), id])
            return true
        }
    }

    /// The first entry and the latest ones: the trouble's beginning and its present.
    static func merged(_ earlier: [AttemptRecord], with later: [AttemptRecord]) -> [AttemptRecord] {
        let all = earlier + later
        let most = 2 * DeliveryProgress.maximumHistory
        return all.count <= most ? all : [all[0]] + all.suffix(most - 1)
    }
}

extension DeadLetterFilter {
    /// The condition on `dead_letters`, and its arguments.
    var deadLetters: (String, StatementArguments) {
        var terms = SQLTerms()
        terms.any(of: ids.map { ("delivery_id >= ? AND delivery_id < ?", [$0, $0 + "~"]) })
        terms.add("rule = ?", rule)
        terms.add("destination = ?", destination)
        terms.add("reason = ?", reason)
        terms.add("org_id = ?", org)
        terms.add(topic: topic)
        terms.add("died_at >= ?", since)
        terms.add("died_at < ?", before)
        return terms.all
    }

    /// The condition on `quarantine`, and its arguments. A rule, a destination and a reason mean nothing there.
    var quarantine: (String, StatementArguments) {
        var terms = SQLTerms()
        terms.any(of: ids.map { ("id = ?", [Int64($0) ?? -1]) })
        terms.add("org = ?", org)
        terms.add(topic: topic)
        terms.add("at >= ?", since)
        terms.add("at < ?", before)
        return terms.all
    }
}

private struct SQLTerms {
    private var terms: [String] = []
    private var arguments = StatementArguments()

    var all: (String, StatementArguments) { (terms.isEmpty ? "1" : terms.joined(separator: " AND "), arguments) }

    mutating func add(_ term: String, _ value: (any DatabaseValueConvertible)?) {
        guard let value else { return }
        terms.append(term)
        arguments += [value]
    }

    /// Whole, or what comes after a slash: `AccountChangeEvent`.
    mutating func add(topic: String?) {
        guard let topic else { return }
        any(of: [
            ("topic = ?", [topic]), ("substr(topic, ?) = ?", [-topic.unicodeScalars.count - 1, "/" + topic]),
        ])
    }

    mutating func any(of alternatives: [(String, StatementArguments)]) {
        precondition(alternatives.count <= DeadLetterFilter.maximumIDs, "more IDs than a filter may have")
        guard !alternatives.isEmpty else { return }
        terms.append("(" + alternatives.map { "(\($0.0))" }.joined(separator: " OR ") + ")")
        for alternative in alternatives { arguments += alternative.1 }
    }
}
