import Synchronization

/// Whether the outbox takes more events at the moment.
package final class Room: Sendable {
    private let isThere = Atomic<Bool>(true)

    package var exists: Bool { isThere.load(ordering: .relaxed) }

    func set(_ exists: Bool) { isThere.store(exists, ordering: .relaxed) }
}
