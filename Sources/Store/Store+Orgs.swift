import Events
import GRDB

extension Store {
    /// Rows of the journal that are changed in one transaction: each may be large.
    private static let renamedRows = 100

    /// An org has another name in the configuration: everything that is kept under the old one is its own. What is under
    /// the new name already stays. The cursors come last, so that a rename that was broken off is begun again.
    package func renameOrg(_ old: String, to new: String) async throws(StoreError) {
        while try await renameJournal(old, new) > 0 {}
        try await synced("give the org \(old) the name \(new)") { database in
            for table in [
                "quarantine", "statements", "held_events", "record_marks", "entity_schemas", "saved_cursors", "loss_counts",
                "replay_positions", "cursors",
            ] {
                try database.run("UPDATE OR IGNORE \(table) SET org = ? WHERE org = ?", [new, old])
            }
            try database.renameInPlans(old, to: new)
            try database.run("DELETE FROM cursors WHERE org = ?", [old])
        }
    }

    private func renameJournal(_ old: String, _ new: String) async throws(StoreError) -> Int {
        try await transaction("give the journal of \(old) the name \(new)") { database in
            try database.run(
                "UPDATE journal SET org = ? WHERE id IN (SELECT id FROM journal WHERE org = ? LIMIT ?)",
                [new, old, Self.renamedRows])
            return database.changesCount
        }
    }
}

extension Database {
    /// What is read or replayed goes on under the new name, and what was done once is not done again.
    fileprivate func renameInPlans(_ old: String, to new: String) throws {
        try run(
            "UPDATE backfills SET plan = json_set(plan, '$.org', ?) WHERE json_extract(plan, '$.org') = ?", [new, old])
        try run(
            """
            UPDATE replays SET plan = json_set(plan, '$.topics', (
                SELECT json_group_array(
                    CASE json_extract(value, '$.org') WHEN ?2 THEN json_set(value, '$.org', ?1) ELSE json(value) END)
                FROM json_each(replays.plan, '$.topics')))
            WHERE EXISTS (SELECT 1 FROM json_each(replays.plan, '$.topics') WHERE json_extract(value, '$.org') = ?2)
            """, [new, old])
    }
}
