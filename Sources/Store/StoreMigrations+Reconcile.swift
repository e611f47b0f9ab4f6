extension StoreMigrations {
    /// Events that wait for a read of their record; and marks for each rule, since a record may have been handed over for
    /// some rules and not for others.
    static let reconcileTables = """
        CREATE TABLE held_events (
            id INTEGER PRIMARY KEY,
            org TEXT NOT NULL, topic TEXT NOT NULL, replay_id BLOB NOT NULL, record_id TEXT NOT NULL,
            org_id TEXT NOT NULL, entity TEXT NOT NULL, schema_id TEXT NOT NULL, event_id TEXT NOT NULL,
            payload BLOB NOT NULL, received_at INTEGER NOT NULL,
            UNIQUE (org, topic, replay_id, record_id)
        ) STRICT;

        -- rule: the one whose receivers have what was read; empty stands for every rule.
        CREATE TABLE record_marks (
            org TEXT NOT NULL, entity TEXT NOT NULL, record_id TEXT NOT NULL, rule TEXT NOT NULL,
            covers INTEGER NOT NULL,
            PRIMARY KEY (org, entity, record_id, rule)
        ) STRICT, WITHOUT ROWID;
        -- The newest schema of each object and platform event of an org.
        CREATE TABLE entity_schemas (
            org TEXT NOT NULL, name TEXT NOT NULL, schema_id TEXT NOT NULL, since INTEGER NOT NULL,
            PRIMARY KEY (org, name)
        ) STRICT, WITHOUT ROWID;

        INSERT INTO record_marks SELECT org, entity, record_id, '', covers FROM backfill_marks;
        DROP TABLE backfill_marks;
        """
}
