extension StoreMigrations {
    /// Dead letters that can be filtered and sent again, a journal that can be searched, replays, named cursors.
    static let replayTables = """
        -- ordinal: the order in which deliveries died first, kept when one dies again; resend: the token of the attempt
        -- to make deliveries of them again that is under way.
        ALTER TABLE dead_letters ADD COLUMN ordinal INTEGER;
        ALTER TABLE dead_letters ADD COLUMN resend TEXT;
        UPDATE dead_letters SET ordinal = id;
        CREATE INDEX dead_letters_rule ON dead_letters (rule, id);
        CREATE INDEX dead_letters_died ON dead_letters (died_at);
        CREATE INDEX dead_letters_ordinal ON dead_letters (ordinal);
        CREATE INDEX dead_letters_resend ON dead_letters (resend) WHERE resend IS NOT NULL;

        -- What is known of dead letters that were sent again, until they die again or are forgotten.
        CREATE TABLE resent_letters (
            delivery_id TEXT PRIMARY KEY, ordinal INTEGER NOT NULL,
            attempts INTEGER NOT NULL, history TEXT NOT NULL, resent_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX resent_letters_at ON resent_letters (resent_at);
        CREATE INDEX resent_letters_ordinal ON resent_letters (ordinal);

        ALTER TABLE quarantine ADD COLUMN resend TEXT;
        CREATE INDEX quarantine_topic ON quarantine (org, topic, id);
        CREATE TABLE quarantine_size (rows INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
        INSERT INTO quarantine_size SELECT count(*), coalesce(sum(length(payload)), 0) FROM quarantine;
        CREATE TRIGGER quarantine_added AFTER INSERT ON quarantine BEGIN
            UPDATE quarantine_size SET rows = rows + 1, bytes = bytes + length(new.payload);
        END;
        CREATE TRIGGER quarantine_removed AFTER DELETE ON quarantine BEGIN
            UPDATE quarantine_size SET rows = rows - 1, bytes = bytes - length(old.payload);
        END;

        ALTER TABLE journal ADD COLUMN commit_time INTEGER;
        CREATE INDEX journal_received ON journal (org, topic, received_at);
        CREATE INDEX journal_committed ON journal (org, topic, commit_time);
        CREATE INDEX journal_last ON journal (org, topic, last_replay_id);

        CREATE TABLE replays (
            id TEXT PRIMARY KEY, plan TEXT NOT NULL, state TEXT NOT NULL, detail TEXT NOT NULL,
            created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE replay_positions (
            replay TEXT NOT NULL, org TEXT NOT NULL, topic TEXT NOT NULL,
            replay_id BLOB, commit_time INTEGER,
            journal_row INTEGER NOT NULL, event_offset INTEGER NOT NULL, events INTEGER NOT NULL,
            deliveries INTEGER NOT NULL, failures INTEGER NOT NULL, undecodable INTEGER NOT NULL,
            is_done INTEGER NOT NULL, updated_at INTEGER NOT NULL,
            PRIMARY KEY (replay, org, topic)
        ) STRICT, WITHOUT ROWID;

        -- journal_row: the last one of the topic when the cursor was saved; what came later is behind it.
        CREATE TABLE saved_cursors (
            name TEXT NOT NULL, org TEXT NOT NULL, topic TEXT NOT NULL,
            org_id TEXT NOT NULL, instance_url TEXT NOT NULL, replay_id BLOB NOT NULL, commit_time INTEGER,
            journal_row INTEGER, saved_at INTEGER NOT NULL,
            PRIMARY KEY (name, org, topic)
        ) STRICT, WITHOUT ROWID;

        ALTER TABLE statements ADD COLUMN lost_from INTEGER;
        ALTER TABLE statements ADD COLUMN lost_until INTEGER;
        CREATE TABLE loss_counts (
            org TEXT NOT NULL, topic TEXT NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL, last_at INTEGER NOT NULL,
            PRIMARY KEY (org, topic, kind)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO loss_counts SELECT org, topic, kind, count(*), max(at) FROM statements GROUP BY org, topic, kind;

        -- Requests that were acknowledged, where the configuration keeps them; 500 bytes stand for the rest of a row.
        CREATE TABLE sent (
            id INTEGER PRIMARY KEY,
            delivery_id TEXT NOT NULL, destination TEXT NOT NULL,
            rule TEXT NOT NULL, lane TEXT NOT NULL, target TEXT NOT NULL, body BLOB NOT NULL,
            org_id TEXT NOT NULL, topic TEXT NOT NULL, replay_id BLOB NOT NULL,
            entity TEXT NOT NULL, change TEXT NOT NULL, record_id TEXT NOT NULL, time INTEGER NOT NULL,
            horizon_ms INTEGER NOT NULL, max_attempts INTEGER, on_error TEXT NOT NULL,
            sent_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX sent_topic ON sent (topic, id);
        CREATE TABLE sent_size (bytes INTEGER NOT NULL) STRICT;
        INSERT INTO sent_size VALUES (0);
        CREATE TRIGGER sent_added AFTER INSERT ON sent BEGIN
            UPDATE sent_size SET bytes = bytes + length(new.body) + 500;
        END;
        CREATE TRIGGER sent_removed AFTER DELETE ON sent BEGIN
            UPDATE sent_size SET bytes = bytes - length(old.body) - 500;
        END;
        """
}
