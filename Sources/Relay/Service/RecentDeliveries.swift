import Events
import Synchronization

/// The last attempts, for `event show`: what a receiver acknowledged leaves the store at once, and only this memory
/// still tells when it was sent and what was answered.
package final class RecentDeliveries: Sendable {
    /// About 300 bytes each.
    package static let limit = 2_000

    package struct Attempt: Sendable, Equatable {
        package var id: String
        package var rule: String
        package var destination: String
        package var topic: String
        package var replayID: ReplayID
        package var number: Int
        /// When it ended, epoch milliseconds.
        package var at: Int64
        package var milliseconds: Int64
        package var outcome: DestinationMeter.Outcome
        package var status: Int?
        package var reason: String
    }

    private struct Ring {
        var attempts: [Attempt] = []
        var next = 0
    }

    private let limit: Int
    private let ring = Mutex(Ring())

    package init(limit: Int = RecentDeliveries.limit) { self.limit = limit }

    func add(_ attempt: Attempt) {
        ring.withLock { ring in
            if ring.attempts.count < limit {
                ring.attempts.append(attempt)
            } else {
                ring.attempts[ring.next] = attempt
                ring.next = (ring.next + 1) % limit
            }
        }
    }

    /// The events of deliveries by an ID or its beginning.
    package func replayIDs(ofDelivery id: String) -> Set<ReplayID> {
        ring.withLock { Set($0.attempts.filter { $0.id.hasPrefix(id) }.map(\.replayID)) }
    }

    /// Oldest first.
    package func attempts(of replayID: ReplayID) -> [Attempt] {
        ring.withLock { ring in
            let ordered = ring.attempts[ring.next...] + ring.attempts[..<ring.next]
            return ordered.filter { $0.replayID == replayID }
        }
    }
}
