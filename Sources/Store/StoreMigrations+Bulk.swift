extension StoreMigrations {
    /// Records of which an event went by while a bulk query read them: what it found of them may be older than that.
    static let bulkTables = """
        CREATE TABLE passed_records (
            backfill TEXT NOT NULL, record_id TEXT NOT NULL,
            PRIMARY KEY (backfill, record_id)
        ) STRICT, WITHOUT ROWID;
        """
}
