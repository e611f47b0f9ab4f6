import Events
import FoundationEssentials
import GRDB

extension Store {
    /// Writes a group in one transaction.
    ///
    /// - Parameter wall: now, epoch milliseconds; decides what of the journal is old.
    package func commit(_ group: CommitGroup, wall: Int64) async throws(StoreError) {
        let limits = limits
        try await transaction("commit \(group.summary)") { database in
            try database.write(group, keepsJournal: limits.journalBytes > 0)
            if !group.journal.isEmpty {
                try database.pruneJournal(limits, wall: wall, atLeast: group.journal.count)
            }
            if !group.statements.isEmpty { try database.pruneStatements(keeping: limits.statements) }
        }
    }
}

extension CommitGroup {
    /// For error messages: `3 cursors, 12 deliveries`.
    fileprivate var summary: String {
        let parts = [
            (cursors.count, "cursor", "cursors"), (added.count, "delivery", "deliveries"),
            (changed.count + removed.count, "acknowledgement", "acknowledgements"),
            (deadLetters.count, "dead letter", "dead letters"),
        ]
        let text = parts.filter { $0.0 > 0 }.map { "\($0.0) \($0.0 == 1 ? $0.1 : $0.2)" }
        return text.isEmpty ? "the journal" : text.joined(separator: ", ")
    }
}

extension Database {
    fileprivate func write(_ group: CommitGroup, keepsJournal: Bool) throws {
        if keepsJournal { for entry in group.journal { try insert(entry) } }
        let encoder = ColumnEncoder()
        for letter in group.deadLetters { try insert(letter, encoder) }
        for event in group.quarantine { try insert(event) }
        try remove(group.removed)
        for delivery in group.added { try insert(delivery, encoder) }
        for change in group.changed { try update(change, encoder) }
        for cursor in group.cursors.values { try insert(cursor) }
        for statement in group.statements { try insert(statement) }
        for (destination, state) in group.destinationStates { try set(state, for: destination) }
    }

    private func run(_ sql: String, _ arguments: StatementArguments) throws {
        try cachedStatement(sql: sql).execute(arguments: arguments)
    }

    private func insert(_ entry: JournalEntry) throws {
        try run(
            """
            INSERT INTO journal (org, topic, received_at, first_replay_id, last_replay_id, events, bytes, raw)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                entry.org, entry.topic, entry.receivedAt, Data(entry.firstReplayID.bytes),
                Data(entry.lastReplayID.bytes), entry.eventCount, entry.raw.count, Data(entry.raw),
            ])
    }

    private func insert(_ letter: DeadLetter, _ encoder: ColumnEncoder) throws {
        let delivery = try encoder.columns(letter.delivery)
        let history = try encoder.json(letter.history)
        try run(
            """
            INSERT OR REPLACE INTO dead_letters (delivery_id, \(ColumnEncoder.deliveryColumns),
                reason, detail, attempts, history, died_at)
            VALUES (?, \(ColumnEncoder.deliveryMarks), ?, ?, ?, ?, ?)
            """,
            StatementArguments([letter.delivery.id]) + StatementArguments(delivery) + [
                letter.reason.rawValue, letter.detail, letter.attempts, history, letter.diedAt,
            ])
    }

    private func insert(_ event: QuarantinedEvent) throws {
        try run(
            """
            INSERT OR REPLACE INTO quarantine (org, topic, replay_id, schema_id, event_id, payload, reason, at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                event.org, event.topic, Data(event.replayID.bytes), event.schemaID, event.eventID,
                Data(event.payload), event.reason, event.at,
            ])
    }

    private func remove(_ seqs: [Int64]) throws {
        guard !seqs.isEmpty else { return }
        let statement = try cachedStatement(sql: "DELETE FROM outbox WHERE seq = ?")
        for seq in seqs { try statement.execute(arguments: [seq]) }
    }

    private func insert(_ stored: StoredDelivery, _ encoder: ColumnEncoder) throws {
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

    private func insert(_ cursor: Cursor) throws {
        try run(
            """
            INSERT INTO cursors (org, topic, org_id, instance_url, replay_id, commit_time, updated_at)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (org, topic) DO UPDATE SET org_id = excluded.org_id, instance_url = excluded.instance_url,
                replay_id = excluded.replay_id, commit_time = coalesce(excluded.commit_time, commit_time),
                updated_at = excluded.updated_at
            """,
            [
                cursor.key.org, cursor.key.topic, cursor.orgID, cursor.instanceURL, Data(cursor.replayID.bytes),
                cursor.commitTime, cursor.updatedAt,
            ])
    }

    private func insert(_ statement: LossStatement) throws {
        try run(
            "INSERT INTO statements (at, org, topic, kind, text) VALUES (?, ?, ?, ?, ?)",
            [statement.at, statement.key.org, statement.key.topic, statement.kind, statement.text])
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
