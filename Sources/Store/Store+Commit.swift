import Events
import FoundationEssentials
import GRDB

extension Store {
    /// Writes a group in one transaction.
    ///
    /// - Parameters:
    ///   - wall: now, epoch milliseconds. What of the journal is old is decided by it or, for a clock that is ahead, by when
    ///     the newest event was committed in Salesforce.
    ///   - isSynced: not even a power loss takes it back.
    /// - Returns: those of `added`, by their sequence numbers, that have no row of their own: the outbox holds the same
    ///   delivery already, since its event was fetched twice.
    @discardableResult
    package func commit(
        _ group: CommitGroup, wall: Int64, isSynced: Bool = false
    ) async throws(StoreError) -> [Int64: Repetition] {
        let (limits, file) = (limits, file)
        let action = "commit \(group.summary)"
        return try await transaction(action, isSynced: isSynced) { database in
            try file?.check(action)
            let repeated = try database.write(group, keepsJournal: limits.journalBytes > 0, wall: wall)
            if !group.journal.isEmpty {
                let newest = group.journal.lazy.compactMap(\.commitTime).max() ?? wall
                try database.pruneJournal(limits, wall: min(wall, newest), atLeast: group.journal.count)
            }
            if !group.statements.isEmpty { try database.pruneStatements(keeping: limits.statements) }
            return repeated
        }
    }
}

/// A delivery that the outbox holds already.
package enum Repetition: Sendable {
    /// In the same lane of the same destination, and with a request if this one has.
    case covered
    /// Rules that changed since sent it elsewhere then.
    case elsewhere
}

extension CommitGroup {
    /// For error messages: `3 cursors, 12 deliveries`.
    fileprivate var summary: String {
        let parts = [
            (cursors.count, "cursor", "cursors"), (added.count, "delivery", "deliveries"),
            (changed.count + removed.count, "acknowledgement", "acknowledgements"),
            (deadLetters.count, "dead letter", "dead letters"), (held.count, "held event", "held events"),
        ]
        let text = parts.filter { $0.0 > 0 }.map { "\($0.0) \($0.0 == 1 ? $0.1 : $0.2)" }
        return text.isEmpty ? "the journal" : text.joined(separator: ", ")
    }
}

extension Database {
    fileprivate func write(_ group: CommitGroup, keepsJournal: Bool, wall: Int64) throws -> [Int64: Repetition] {
        if keepsJournal { for entry in group.journal { try insert(entry) } }
        let encoder = ColumnEncoder()
        // First: what a cursor settles is remembered for the dead letter that came of it already.
        for cursor in group.cursors.values { try write(cursor, encoder, wall: wall) }
        for letter in group.deadLetters { try insert(letter, encoder) }
        for event in group.quarantine { try insert(event) }
        for event in group.held { try insert(event) }
        for key in group.released { try release(key) }
        try remove(group.removed)
        var repeated: [Int64: Repetition] = [:]
        for added in group.added where try !insert(added, encoder) {
            repeated[added.seq] = try repetition(of: added.delivery)
        }
        for change in group.changed { try update(change, encoder) }
        for event in group.kept { try insert(event) }
        for statement in group.statements { try insert(statement) }
        for (destination, state) in group.destinationStates { try set(state, for: destination) }
        return repeated
    }

    func run(_ sql: String, _ arguments: StatementArguments) throws {
        try cachedStatement(sql: sql).execute(arguments: arguments)
    }

    private func remove(_ seqs: [Int64]) throws {
        guard !seqs.isEmpty else { return }
        let statement = try cachedStatement(sql: "DELETE FROM outbox WHERE seq = ?")
        for seq in seqs { try statement.execute(arguments: [seq]) }
    }

    /// - Returns: false if it is there already.
    @discardableResult
    func insert(_ stored: StoredDelivery, _ encoder: ColumnEncoder) throws -> Bool {
        let progress = stored.progress
        try run(
            """
            INSERT INTO outbox (seq, id, gathered, \(ColumnEncoder.deliveryColumns),
                attempts, held_attempts, first_attempt_at, next_attempt_at, last_error, history)
            VALUES (?, ?, ?, \(ColumnEncoder.deliveryMarks), ?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO NOTHING
            """,
            [stored.seq, stored.delivery.id, stored.delivery.isGathered]
                + StatementArguments(try encoder.columns(stored.delivery)) + [
                    progress.attempts, progress.heldAttempts, progress.firstAttemptAt, progress.nextAttemptAt,
                    progress.lastError, try encoder.json(progress.history),
                ])
        return changesCount > 0
    }

    private func repetition(of delivery: Delivery) throws -> Repetition {
        let isCovered = try Bool.fetchOne(
            self,
            sql: """
                SELECT destination = ? AND lane = ? AND (length(body) > 0 OR ?) FROM outbox WHERE id = ?
                """, arguments: [delivery.destination, delivery.lane, delivery.body.isEmpty, delivery.id])
        return isCovered == true ? .covered : .elsewhere
    }

    private func update(_ change: CommitGroup.Progress, _ encoder: ColumnEncoder) throws {
        let progress = change.progress
        try run(
            """
            UPDATE outbox SET attempts = ?, held_attempts = ?, first_attempt_at = ?, next_attempt_at = ?,
                last_error = ?, history = ? WHERE seq = ?
            """,
            [
                progress.attempts, progress.heldAttempts, progress.firstAttemptAt, progress.nextAttemptAt,
                progress.lastError, try encoder.json(progress.history), change.seq,
            ])
    }

    private func write(_ cursor: Cursor, _ encoder: ColumnEncoder, wall: Int64) throws {
        switch cursor.key.scope {
        case .live: try insert(cursor)
        case .replay(let replay): try insert(cursor, of: replay)
        case .resend(let token): try settleResend(token, encoder, wall: cursor.updatedAt)
        case .none: break
        }
    }

    private func set(_ state: DestinationState?, for destination: String) throws {
        guard let state else { return try run("DELETE FROM destination_state WHERE destination = ?", [destination]) }
        try run(
            """
            INSERT OR REPLACE INTO destination_state (destination, state, detail, since, next_try)
            VALUES (?, ?, ?, ?, ?)
            """, [destination, state.state, state.detail, state.since, state.nextTry])
    }
}
