extension StoreMigrations {
    /// Snapshots and re-reads of an object's records.
    static let backfillTables = """
        -- progress: JSON. settled: no event can come any more that is older than a record that was handed over.
        CREATE TABLE backfills (
            id TEXT PRIMARY KEY, plan TEXT NOT NULL, state TEXT NOT NULL, detail TEXT NOT NULL,
            progress TEXT NOT NULL, settled INTEGER NOT NULL,
            created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        -- Records that were handed over as they were read: events committed until then are in what was read.
        CREATE TABLE backfill_marks (
            org TEXT NOT NULL, entity TEXT NOT NULL, record_id TEXT NOT NULL, covers INTEGER NOT NULL,
            PRIMARY KEY (org, entity, record_id)
        ) STRICT, WITHOUT ROWID;
        """
}
