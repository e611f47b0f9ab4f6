import Events
import Rules
import SalesforceREST
import Store
import Synchronization

/// What backfills need of each org. Orgs put themselves here when they have signed in.
package final class BackfillOrgs: Sendable {
    /// Finds out what rules ask for beyond the event and the answers that are given.
    ///
    /// - Throws: `CancellationError` only.
    package typealias Completion = @Sendable (Event, RoutingResult, RuleSet, RoutingFacts) async throws -> RoutingResult

    package struct Entry: Sendable {
        package var org: Org
        package var client: RESTClient
        package var describes: DescribeCache
        /// That are subscribed to.
        package var topics: [String]
        /// From so many records on, Bulk API 2.0 reads them; 0 is never.
        package var bulkFrom: Int
        /// Finds out what rules ask for beyond the event, as it is done for live events.
        package var complete: Completion
        /// Whether everything that happens from now on comes on this topic; if not, why. Nil is yes.
        package var isFollowed: @Sendable (_ topic: String) async -> String?

        package init(
            org: Org, client: RESTClient, describes: DescribeCache, topics: [String], bulkFrom: Int = 0,
            complete: @escaping Completion = { _, result, _, _ in result },
            isFollowed: @escaping @Sendable (String) async -> String? = { _ in nil }
        ) {
            self.org = org
            self.client = client
            self.describes = describes
            self.topics = topics
            self.bulkFrom = bulkFrom
            self.complete = complete
            self.isFollowed = isFollowed
        }
    }

    private let entries = Mutex<[String: Entry]>([:])
    /// Aliases of the orgs that the relay is signing in to.
    private let expected: Set<String>

    package init(expected: Set<String>) { self.expected = expected }

    package func register(_ entry: Entry) { entries.withLock { $0[entry.org.alias] = entry } }

    func isExpected(_ alias: String) -> Bool { expected.contains(alias) }

    func entry(_ alias: String) -> Entry? { entries.withLock { $0[alias] } }
}
