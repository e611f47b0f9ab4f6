import Events
import Logging
import Store
import Synchronization

/// Keeps the quarantine bounded. What cannot be decoded must not be dropped, and must not fill the disk either: when
/// the quarantine is full, the topic that brings one more waits here, and so is parked, until an operator has made room
/// (`sluice dlq retry --quarantine`, `dlq drop --quarantine`). Other topics go on.
package final class QuarantineGate: Sendable {
    /// Between looks while it is full.
    static let retry: Duration = .seconds(5)

    private let store: Store
    private let time: TimeSource
    private let parkedTopics = Mutex<Set<String>>([])

    package init(store: Store, time: TimeSource = .system) {
        self.store = store
        self.time = time
    }

    /// Topics that wait for room at the moment.
    package var parked: Set<String> { parkedTopics.withLock { $0 } }

    /// Returns when there is room for one more.
    ///
    /// - Throws: `CancellationError` only.
    package func pass(topic: String, log: Logger) async throws {
        guard let reason = await fullness() else { return }
        parkedTopics.withLock { _ = $0.insert(topic) }
        defer { parkedTopics.withLock { _ = $0.remove(topic) } }
        log.error(
            """
            parked: the quarantine is full (\(reason)), and this topic brings another event that cannot be decoded. \
            Nothing is dropped: look at `sluice dlq list --quarantine`, then `dlq retry --quarantine` or `dlq drop \
            --quarantine`; the topic goes on by itself. Salesforce keeps its events for 72 hours
            """, metadata: ["topic": "\(topic)"])
        repeat { try await time.sleep(Self.retry) } while await fullness() != nil
        log.notice("the quarantine has room again; events go on", metadata: ["topic": "\(topic)"])
    }

    /// Nil while there is room. A store that cannot answer cannot commit either, and that is seen to elsewhere.
    private func fullness() async -> String? {
        guard let size = try? await store.quarantineSize() else { return nil }
        let limits = store.limits
        if size.rows >= limits.quarantineCount { return "\(size.rows) events" }
        if size.bytes >= limits.quarantineBytes { return "\(size.bytes >> 20) MiB" }
        return nil
    }
}
