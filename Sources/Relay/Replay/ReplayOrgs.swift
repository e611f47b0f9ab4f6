import ChangeEvents
import Events
import Rules
import Salesforce
import Store
import Synchronization

/// What replays and second decodings need of each org: who it is, its schemas, and its connection to Salesforce. Orgs
/// put themselves here when they have signed in.
package final class ReplayOrgs: Sendable {
    package struct Entry: Sendable {
        package var org: Org
        package var schemas: SchemaCache
        /// Nil while nobody is signed in.
        package var connection: Connection?
        /// Finds out what rules ask for beyond the event, as it is done for live events.
        package var complete: Completion
        /// The same without waiting: what cannot be found out now is deferred or refused. Leaves `wants` while nobody is
        /// signed in.
        package var completeNow: Completion

        package init(
            org: Org, schemas: SchemaCache, connection: Connection? = nil,
            complete: @escaping Completion = { _, result, _ in result },
            completeNow: @escaping Completion = { _, result, _ in result }
        ) {
            self.org = org
            self.schemas = schemas
            self.connection = connection
            self.complete = complete
            self.completeNow = completeNow
        }
    }

    /// - Throws: `CancellationError`; for a replay also `ReplayFailure`.
    package typealias Completion = @Sendable (Event, RoutingResult, RuleSet) async throws -> RoutingResult

    /// The org's own, which its live streams use too.
    package struct Connection: Sendable {
        package var calls: any PubSubCalls
        package var authenticator: Authenticator
        /// For each topic's stream.
        package var watchdog: Duration
        /// Why no more events should be fetched for a replay now (the org's delivery allocation); nil to go on.
        package var brake: @Sendable () async -> String?

        package init(
            calls: any PubSubCalls, authenticator: Authenticator, watchdog: Duration = .seconds(300),
            brake: @escaping @Sendable () async -> String? = { nil }
        ) {
            self.calls = calls
            self.authenticator = authenticator
            self.watchdog = watchdog
            self.brake = brake
        }
    }

    private let store: Store
    private let entries = Mutex<[String: Entry]>([:])

    /// Aliases of the orgs that a relay is signing in to; none beside a store without a relay.
    private let expected: Set<String>

    package init(store: Store, expected: Set<String> = []) {
        self.store = store
        self.expected = expected
    }

    /// - Returns: the other aliases of the same org that are there already, in order.
    @discardableResult
    package func register(_ entry: Entry) -> [String] {
        entries.withLock { entries in
            entries[entry.org.alias] = entry
            return entries.values.filter { $0.org.id == entry.org.id && $0.org.alias != entry.org.alias }.map(\.org.alias)
                .sorted()
        }
    }

    /// An org that has not signed in (yet) is known by its cursors, and its events by the schemas that are stored.
    ///
    /// - Parameter isPatient: a schema that is not stored can be had later, once the org has signed in.
    func entry(_ alias: String, isPatient: Bool = false) async throws(StoreError) -> Entry? {
        if let entry = entries.withLock({ $0[alias] }) { return entry }
        guard let cursor = try await store.cursors().first(where: { $0.key.org == alias }) else { return nil }
        let org = Org(
            id: cursor.orgID, alias: alias, instanceURL: cursor.instanceURL,
            isSandbox: cursor.instanceURL.contains(".sandbox."))
        let schemas = SchemaCache(store: store) { [self] id throws(SchemaSource.Failure) in
            guard isPatient, expected.contains(alias) else {
                throw .permanent("schema \(id) is not stored, and this org is not signed in: start the relay")
            }
            guard let present = present(alias) else { throw .temporary("\(alias) has not signed in yet") }
            _ = try await present.schemas.schema(id)
            guard let json = try? await store.schema(id) else { throw .temporary("schema \(id) could not be stored") }
            return json
        }
        return Entry(org: org, schemas: schemas)
    }

    /// The same by Salesforce's ID, whatever it is called.
    func entry(orgID: String) async throws(StoreError) -> Entry? {
        let present = entries.withLock { $0.values.filter { $0.org.id == orgID }.min { $0.org.alias < $1.org.alias } }
        if let present { return present }
        guard let cursor = try await store.cursors().first(where: { $0.orgID == orgID }) else { return nil }
        return try await entry(cursor.key.org)
    }

    /// IDs of all that are known, by alias.
    func ids() async throws(StoreError) -> [String: String] {
        var ids: [String: String] = [:]
        for cursor in try await store.cursors() { ids[cursor.key.org] = cursor.orgID }
        return ids.merging(entries.withLock { $0.mapValues(\.org.id) }) { $1 }
    }

    /// Nil until it has signed in.
    func present(_ alias: String) -> Entry? { entries.withLock { $0[alias] } }

    /// Whether it may still sign in.
    func isExpected(_ alias: String) -> Bool { expected.contains(alias) }

    /// Whether it may turn out to be the old name of an org: one that the relay has not signed in to yet.
    func mayBeRenamed(_ alias: String) -> Bool {
        !expected.contains(alias) && entries.withLock { entries in expected.contains { entries[$0] == nil } }
    }

    /// A relay runs, and does not sign in to it.
    func isGone(_ alias: String) -> Bool { !expected.isEmpty && !isExpected(alias) }

    /// Whether Salesforce can be asked.
    func isConnected(_ alias: String) -> Bool { entries.withLock { $0[alias]?.connection != nil } }
}
