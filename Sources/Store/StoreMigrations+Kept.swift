extension StoreMigrations {
    /// Events of deliveries and dead letters without a request. The last of those that goes takes its event along.
    static let keptTables = """
        CREATE TABLE kept_events (
            id INTEGER PRIMARY KEY,
            org_id TEXT NOT NULL, topic TEXT NOT NULL, replay_id BLOB NOT NULL,
            schema_id TEXT NOT NULL, event_id TEXT NOT NULL, payload BLOB NOT NULL, received_at INTEGER NOT NULL,
            UNIQUE (replay_id, topic, org_id)
        ) STRICT;
        CREATE INDEX outbox_unrendered ON outbox (replay_id) WHERE length(body) = 0;
        CREATE INDEX dead_letters_event ON dead_letters (replay_id);
        CREATE TRIGGER kept_by_outbox AFTER DELETE ON outbox WHEN length(old.body) = 0 BEGIN
            \(forgetEvent);
        END;
        CREATE TRIGGER kept_by_dead_letters AFTER DELETE ON dead_letters BEGIN
            \(forgetEvent);
        END;
        """

    private static let forgetEvent = """
        DELETE FROM kept_events WHERE org_id = old.org_id AND topic = old.topic AND replay_id = old.replay_id
            AND NOT \(needsEvent(orgID: "old.org_id", topic: "old.topic", replayID: "old.replay_id"))
        """

    /// Never edited, since triggers are made of it.
    ///
    /// - Parameters: expressions.
    static func needsEvent(orgID: String, topic: String, replayID: String) -> String {
        let isIts = "replay_id = \(replayID) AND topic = \(topic) AND org_id = \(orgID)"
        return """
            (EXISTS (SELECT 1 FROM outbox WHERE length(body) = 0 AND \(isIts))
                OR EXISTS (SELECT 1 FROM dead_letters WHERE \(isIts)))
            """
    }
}
