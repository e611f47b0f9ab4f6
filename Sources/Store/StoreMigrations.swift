import GRDB

/// The tables, oldest first. A migration that was released is never edited: a change is a new one.
enum StoreMigrations {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 tables") { try $0.execute(sql: tables) }
        migrator.registerMigration("2 replay") { try $0.execute(sql: replayTables) }
        migrator.registerMigration("backfill") { try $0.execute(sql: backfillTables) }
        migrator.registerMigration("reconcile") { try $0.execute(sql: reconcileTables) }
        migrator.registerMigration("bulk") { try $0.execute(sql: bulkTables) }
        migrator.registerMigration("sent by ID") {
            try $0.execute(sql: "CREATE INDEX sent_delivery ON sent (delivery_id)")
        }
        migrator.registerMigration("journal by first ID") {
            try $0.execute(sql: "CREATE INDEX journal_first ON journal (org, topic, first_replay_id)")
        }
        migrator.registerMigration("claims by group") {
            try $0.execute(
                sql: """
                    CREATE INDEX outbox_claims ON outbox (destination, \(claimGroup), seq) WHERE gathered = 1
                    """)
        }
        migrator.registerMigration("commit numbers") { database in
            for table in ["outbox", "dead_letters", "sent"] {
                for column in ["commit_number", "sequence_number"] {
                    try database.execute(sql: "ALTER TABLE \(table) ADD COLUMN \(column) INTEGER")
                }
            }
        }
        migrator.registerMigration("kept events") { try $0.execute(sql: keptTables) }
        // For `event show` as well, which must not read the whole outbox while commits wait.
        migrator.registerMigration("outbox by event") {
            try $0.execute(sql: "DROP INDEX outbox_unrendered; CREATE INDEX outbox_event ON outbox (replay_id)")
        }
        // Pages in the order of `dlq retry`, and what `status` counts, without reading the letters themselves.
        migrator.registerMigration("dead letters by order") {
            try $0.execute(
                sql: """
                    CREATE INDEX dead_letters_destination_order ON dead_letters (destination, ordinal);
                    CREATE INDEX dead_letters_rule_order ON dead_letters (rule, ordinal);
                    CREATE INDEX dead_letters_destination_rule ON dead_letters (destination, rule);
                    """)
        }
        return migrator
    }

    /// `Delivery.claimGroup`; never edited, since an index is made of it.
    static let claimGroup = "substr(lane, 1, instr(lane || '/', '/') - 1)"

    private static let tables = """
        -- Raw FetchResponses, one row for each, pruned by age and size.
        CREATE TABLE journal (
            id INTEGER PRIMARY KEY,
            org TEXT NOT NULL, topic TEXT NOT NULL, received_at INTEGER NOT NULL,
            first_replay_id BLOB NOT NULL, last_replay_id BLOB NOT NULL,
            events INTEGER NOT NULL, bytes INTEGER NOT NULL, raw BLOB NOT NULL
        ) STRICT;
        CREATE TABLE journal_size (rows INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
        INSERT INTO journal_size VALUES (0, 0);
        CREATE TRIGGER journal_added AFTER INSERT ON journal BEGIN
            UPDATE journal_size SET rows = rows + 1, bytes = bytes + new.bytes;
        END;
        CREATE TRIGGER journal_removed AFTER DELETE ON journal BEGIN
            UPDATE journal_size SET rows = rows - 1, bytes = bytes - old.bytes;
        END;

        CREATE TABLE cursors (
            org TEXT NOT NULL, topic TEXT NOT NULL,
            org_id TEXT NOT NULL, instance_url TEXT NOT NULL,
            replay_id BLOB NOT NULL, commit_time INTEGER, updated_at INTEGER NOT NULL,
            PRIMARY KEY (org, topic)
        ) STRICT, WITHOUT ROWID;

        -- Deliveries that no receiver has acknowledged; seq is the order of the stream.
        CREATE TABLE outbox (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE, destination TEXT NOT NULL, gathered INTEGER NOT NULL,
            rule TEXT NOT NULL, lane TEXT NOT NULL, target TEXT NOT NULL, body BLOB NOT NULL,
            org_id TEXT NOT NULL, topic TEXT NOT NULL, replay_id BLOB NOT NULL,
            entity TEXT NOT NULL, change TEXT NOT NULL, record_id TEXT NOT NULL, time INTEGER NOT NULL,
            state TEXT NOT NULL DEFAULT 'pending',
            horizon_ms INTEGER NOT NULL, max_attempts INTEGER, on_error TEXT NOT NULL,
            attempts INTEGER NOT NULL, held_attempts INTEGER NOT NULL,
            first_attempt_at INTEGER, next_attempt_at INTEGER, last_error TEXT, history TEXT NOT NULL
        ) STRICT;
        CREATE INDEX outbox_queue ON outbox (destination, gathered, seq);
        CREATE INDEX outbox_lane ON outbox (destination, gathered, lane, seq);

        CREATE TABLE dead_letters (
            id INTEGER PRIMARY KEY,
            delivery_id TEXT NOT NULL UNIQUE, destination TEXT NOT NULL,
            rule TEXT NOT NULL, lane TEXT NOT NULL, target TEXT NOT NULL, body BLOB NOT NULL,
            org_id TEXT NOT NULL, topic TEXT NOT NULL, replay_id BLOB NOT NULL,
            entity TEXT NOT NULL, change TEXT NOT NULL, record_id TEXT NOT NULL, time INTEGER NOT NULL,
            horizon_ms INTEGER NOT NULL, max_attempts INTEGER, on_error TEXT NOT NULL,
            reason TEXT NOT NULL, detail TEXT NOT NULL,
            attempts INTEGER NOT NULL, history TEXT NOT NULL, died_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX dead_letters_destination ON dead_letters (destination, id);

        CREATE TABLE quarantine (
            id INTEGER PRIMARY KEY,
            org TEXT NOT NULL, topic TEXT NOT NULL, replay_id BLOB NOT NULL, schema_id TEXT NOT NULL,
            event_id TEXT NOT NULL, payload BLOB NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL,
            UNIQUE (org, topic, replay_id)
        ) STRICT;

        CREATE TABLE schemas (schema_id TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;

        CREATE TABLE flow_runs (
            destination TEXT NOT NULL, flow TEXT NOT NULL, state TEXT NOT NULL,
            PRIMARY KEY (destination, flow)
        ) STRICT, WITHOUT ROWID;

        -- What a running relay last said about itself, for `status` in another process.
        CREATE TABLE stream_state (
            org TEXT NOT NULL, topic TEXT NOT NULL, state TEXT NOT NULL, detail TEXT NOT NULL,
            since INTEGER NOT NULL, last_received_at INTEGER, reconnects INTEGER NOT NULL,
            PRIMARY KEY (org, topic)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE destination_state (
            destination TEXT PRIMARY KEY, state TEXT NOT NULL, detail TEXT NOT NULL,
            since INTEGER NOT NULL, next_try INTEGER
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE statements (
            id INTEGER PRIMARY KEY,
            at INTEGER NOT NULL, org TEXT NOT NULL, topic TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL
        ) STRICT;
        """
}
