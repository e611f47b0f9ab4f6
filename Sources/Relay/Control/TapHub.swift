import Events
import Rules
import Synchronization

/// Hands what passes to those who watch it. While nobody does, it costs one atomic read.
package final class TapHub: Sendable {
    /// At the same time.
    static let maximumWatchers = 16
    /// What a watcher may be behind; beyond it, what comes is dropped and counted.
    static let buffered = 512

    struct Element: Sendable {
        var item: TapItem
        /// Items that were dropped since the one before.
        var dropped: Int
    }

    private struct Watcher {
        var filter: TapFilter
        var passed = 0
        var dropped = 0
        let continuation: AsyncStream<Element>.Continuation
    }

    private let count = Atomic<Int>(0)
    private let watchers = Mutex<(next: Int, table: [Int: Watcher])>((0, [:]))

    package init() {}

    func routed(_ event: Event, _ result: RoutingResult) {
        guard count.load(ordering: .relaxed) > 0 else { return }
        offer { .event(event, result) }
    }

    func attempted(_ delivery: Delivery, _ attempt: RecentDeliveries.Attempt) {
        guard count.load(ordering: .relaxed) > 0 else { return }
        offer { .attempt(delivery, attempt) }
    }

    /// Ends when its reader stops reading it.
    func watch(_ filter: TapFilter) throws(ControlError) -> AsyncStream<Element> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Element.self, bufferingPolicy: .bufferingOldest(Self.buffered))
        let id = watchers.withLock { watchers -> Int? in
            guard watchers.table.count < Self.maximumWatchers else { return nil }
            watchers.next += 1
            watchers.table[watchers.next] = Watcher(filter: filter, continuation: continuation)
            count.store(watchers.table.count, ordering: .relaxed)
            return watchers.next
        }
        guard let id else {
            throw ControlError(
                .failed, "\(Self.maximumWatchers) taps are open at the same time, and no more are allowed: end one.")
        }
        continuation.onTermination = { [weak self] _ in self?.end(id) }
        return stream
    }

    /// Ends all taps, so that a relay that stops does not wait for them.
    package func close() {
        let ended = watchers.withLock { watchers in
            defer { watchers.table.removeAll() }
            return watchers.table.values.map(\.continuation)
        }
        for continuation in ended { continuation.finish() }
    }

    private func end(_ id: Int) {
        // Freed outside of the lock: letting go of a continuation may call back.
        let ended = watchers.withLock { watchers in
            let ended = watchers.table.removeValue(forKey: id)
            count.store(watchers.table.count, ordering: .relaxed)
            return ended
        }
        withExtendedLifetime(ended) {}
    }

    private func offer(_ make: () -> TapItem) {
        let item = make()
        watchers.withLock { watchers in
            for (id, watcher) in watchers.table where watcher.filter.takes(item) {
                watchers.table[id] = Self.offered(item, watcher)
            }
        }
    }

    private static func offered(_ item: TapItem, _ watcher: Watcher) -> Watcher {
        var watcher = watcher
        watcher.passed += 1
        guard (watcher.passed - 1) % watcher.filter.sample == 0 else { return watcher }
        switch watcher.continuation.yield(Element(item: item, dropped: watcher.dropped)) {
        case .enqueued: watcher.dropped = 0
        case .dropped: watcher.dropped += 1
        default: break
        }
        return watcher
    }
}

/// One thing that passed.
enum TapItem: Sendable {
    case event(Event, RoutingResult)
    case attempt(Delivery, RecentDeliveries.Attempt)
}
