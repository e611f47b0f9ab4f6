import GRDB

extension Store {
    /// Notes that events of these records go by while a bulk query reads; on disk when it returns, since they may be
    /// delivered before their cursor is.
    package func addPassed(_ records: Set<String>, of backfill: String) async throws(StoreError) {
        let new = records.subtracting(try await passed(records, of: backfill))
        guard !new.isEmpty else { return }
        try await synced("note records that change beside \(backfill)") { database in
            let statement = try database.cachedStatement(
                sql: "INSERT OR IGNORE INTO passed_records (backfill, record_id) VALUES (?, ?)")
            for record in new { try statement.execute(arguments: [backfill, record]) }
        }
    }

    /// Those of the records of which an event went by.
    package func passed(_ records: Set<String>, of backfill: String) async throws(StoreError) -> Set<String> {
        try await perform("look up records that changed beside \(backfill)") { database in
            let statement = try database.cachedStatement(
                sql: "SELECT 1 FROM passed_records WHERE backfill = ? AND record_id = ?")
            return try records.filter { try Int.fetchOne(statement, arguments: [backfill, $0]) != nil }
        }
    }

    package func forgetPassed(of backfill: String) async throws(StoreError) {
        try await perform("forget records that changed beside \(backfill)") { database in
            try database.run("DELETE FROM passed_records WHERE backfill = ?", [backfill])
        }
    }
}
