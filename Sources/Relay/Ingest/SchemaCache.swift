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

    private struct Refusal {
        let reason: String
        let until: Duration
    }

    private let fetch: @Sendable (String) async throws(SchemaSource.Failure) -> String
    private let store: Store
    private let time: TimeSource
    private let compiled = Mutex<[String: EventSchema]>([:])
    private let refused = Mutex<[String: Refusal]>([:])

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
            throw .permanent("\(error)")
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
