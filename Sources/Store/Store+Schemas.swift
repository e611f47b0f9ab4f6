import FoundationEssentials
import GRDB

extension Store {
    /// Avro JSON by schema ID. A schema never changes under its ID, so that what is stored is always right.
    package func schema(_ id: String) async throws(StoreError) -> String? {
        try await perform("read schema \(id)") { database in
            try String.fetchOne(database, sql: "SELECT json FROM schemas WHERE schema_id = ?", arguments: [id])
        }
    }

    package func saveSchema(_ json: String, id: String) async throws(StoreError) {
        try await perform("save schema \(id)") { database in
            try database.execute(
                sql: "INSERT OR REPLACE INTO schemas (schema_id, json) VALUES (?, ?)", arguments: [id, json])
        }
    }

    /// Remembers the schema that events of an object have now.
    ///
    /// - Parameter name: of the schema: `AccountChangeEvent`.
    /// - Returns: the ID of the one before, if it is another one.
    package func setSchema(
        _ id: String, of name: String, org: String, wall: Int64
    ) async throws(StoreError) -> String? {
        try await transaction("remember the schema of \(name)") { database in
            let old = try String.fetchOne(
                database, sql: "SELECT schema_id FROM entity_schemas WHERE org = ? AND name = ?", arguments: [org, name])
            guard old != id else { return nil }
            try database.run(
                "INSERT OR REPLACE INTO entity_schemas (org, name, schema_id, since) VALUES (?, ?, ?, ?)",
                [org, name, id, wall])
            return old
        }
    }

    /// The saved states of a destination's flows, as JSON text.
    package func flowRunStates(of destination: String) async throws(StoreError) -> [String: [UInt8]] {
        try await perform("read the runs of \(destination)") { database in
            var states: [String: [UInt8]] = [:]
            let rows = try Row.fetchAll(
                database, sql: "SELECT flow, state FROM flow_runs WHERE destination = ?", arguments: [destination])
            for row in rows { states[row[0]] = [UInt8]((row[1] as String).utf8) }
            return states
        }
    }

    /// Returns once the state is synced to disk: it announces a request that is made next, to somebody who does not
    /// roll back with us.
    package func saveFlowRunState(
        _ json: [UInt8], destination: String, flow: String
    ) async throws(StoreError) {
        try await synced("save the run of flow \(flow)") { database in
            try database.execute(
                sql: "INSERT OR REPLACE INTO flow_runs (destination, flow, state) VALUES (?, ?, ?)",
                arguments: [destination, flow, String(decoding: json, as: UTF8.self)])
        }
    }
}
