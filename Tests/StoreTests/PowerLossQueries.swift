import GRDB

@testable import Store

extension Store {
    /// So that most failures hit a checkpoint.
    func checkpointOften(neverSyncs: Bool) async throws {
        try await perform("prepare") { database in
            try database.execute(sql: "PRAGMA wal_autocheckpoint = 6")
            if neverSyncs { try database.execute(sql: "PRAGMA synchronous = OFF") }
        }
    }

    /// `ok`, or what is damaged.
    func verdict() async throws -> [String] {
        try await perform("check") { try String.fetchAll($0, sql: "PRAGMA quick_check") }
    }

    func countsHaveDrifted() async throws -> Bool {
        try await perform("count") { database in
            try Bool.fetchOne(
                database,
                sql: """
                    SELECT (SELECT rows FROM journal_size) <> (SELECT count(*) FROM journal)
                        OR (SELECT rows FROM quarantine_size) <> (SELECT count(*) FROM quarantine)
                    """) ?? true
        }
    }
}
