import FlowMate
import Synchronization

/// What FlowMate's webhooks took, counted by the sinks as it happens.
package final class AcceptedTally: Sendable {
    private struct Entry {
        var counts = AcceptedCounts()
        var isDirty = false
    }

    private let entries = Mutex<[String: Entry]>([:])

    package init() {}

    /// - Parameter at: epoch milliseconds.
    package func accept(_ requestID: String, flow: String, destination: String, at: Int64) {
        entries.withLock { entries in
            entries[destination, default: Entry()].counts.accept(flow: flow, requestID: requestID, at: at)
            entries[destination]?.isDirty = true
        }
    }

    /// Destinations that anything was counted for.
    var destinations: [String] { entries.withLock { $0.keys.sorted() } }

    func counts(of destination: String) -> AcceptedCounts {
        entries.withLock { $0[destination]?.counts ?? AcceptedCounts() }
    }

    /// What an earlier process counted, before anything is counted here.
    func restore(_ counts: AcceptedCounts, of destination: String) {
        entries.withLock { entries in
            guard entries[destination] == nil else { return }
            entries[destination] = Entry(counts: counts)
        }
    }

    func checked(_ day: Int64, shortfalls: [String], of destination: String) {
        entries.withLock { entries in
            entries[destination]?.counts.checked(day, shortfalls: shortfalls)
            entries[destination]?.isDirty = true
        }
    }

    /// - Returns: what must be kept; nil when it is.
    func takeDirty(_ destination: String) -> AcceptedCounts? {
        entries.withLock { entries in
            guard let entry = entries[destination], entry.isDirty else { return nil }
            entries[destination]?.isDirty = false
            return entry.counts
        }
    }

    func notKept(_ destination: String) { entries.withLock { $0[destination]?.isDirty = true } }
}
