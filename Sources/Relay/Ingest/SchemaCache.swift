import ChangeEvents
import Events
import Salesforce
import Store
import Synchronization

/// Compiled writer schemas by ID. A schema never changes under its ID, so each is fetched from Salesforce once ever.
package final class SchemaCache: Sendable {
    /// In memory; beyond it the cache starts anew. An org has one schema for each entity and release of its fields.
    static let limit = 2_000
    /// How long a refusal holds: a stream full of events of one unusable schema must not become a stream of calls.
    static let refusalHolds: Duration = .seconds(60)

    /// After so many wrong texts it is the schema that is wrong.
    static let doubts = 3

    private struct Refusal {
        let reason: String
        let until: Duration
    }

    private let fetch: @Sendable (String) async throws(SchemaSource.Failure) -> String
    private let store: Store
    private let time: TimeSource
    private let compiled = Mutex<[String: EventSchema]>([:])
    private let refused = Mutex<[String: Refusal]>([:])
    /// How often the text of a schema was not its own.
    private let suspected = Mutex<[String: Int]>([:])

    package init(
        store: Store, time: TimeSource = .system,
        fetch: @escaping @Sendable (String) async throws(SchemaSource.Failure) -> String
    ) {
        self.store = store
        self.time = time
        self.fetch = fetch
    }

    package func schema(_ id: String) async throws(SchemaSource.Failure) -> EventSchema {
        if let schema = compiled.withLock({ $0[id] }) { return schema }
        if let stored = try? await store.schema(id), let schema = try? EventSchema(json: stored, id: id) {
            return keep(schema)
        }
        let now = time.monotonic()
        if let refusal = refused.withLock({ $0[id] }), now < refusal.until { throw .permanent(refusal.reason) }
        do throws(SchemaSource.Failure) {
            return try await fetched(id)
        } catch {
            if case .permanent(let reason) = error { keep(Refusal(reason: reason, until: now + Self.refusalHolds), id) }
            throw error
        }
    }

    private func fetched(_ id: String) async throws(SchemaSource.Failure) -> EventSchema {
        let json = try await fetch(id)
        do throws(EventSchemaError) {
            let schema = try EventSchema(json: json, id: id)
            // Not kept: it will be fetched again. No reason to hold up the event.
            try? await store.saveSchema(json, id: id)
            return keep(schema)
        } catch {
            // Another schema's text, or half of one, was changed on the way: it is asked for again before it is believed.
            guard error.isOfText, suspect(id) < Self.doubts else { throw .permanent("\(error)") }
            throw .temporary("\(error)")
        }
    }

    /// - Returns: how often its text was not its own.
    private func suspect(_ id: String) -> Int {
        suspected.withLock { suspected in
            if suspected.count >= Self.limit { suspected.removeAll() }
            suspected[id, default: 0] += 1
            return suspected[id, default: 0]
        }
    }

    private func keep(_ refusal: Refusal, _ id: String) {
        refused.withLock { refused in
            if refused.count >= Self.limit { refused.removeAll() }
            refused[id] = refusal
        }
    }

    private func keep(_ schema: EventSchema) -> EventSchema {
        compiled.withLock { compiled in
            if compiled.count >= Self.limit { compiled.removeAll() }
            compiled[schema.id] = schema
        }
        return schema
    }
}
