import Store
import Synchronization

/// How far a running backfill is at this moment: for people who watch.
final class BackfillTracker: Sendable {
    struct Snapshot: Sendable {
        var progress: BackfillProgress?
        /// Why it waits; empty while it does not.
        var waits = ""
    }

    private let state = Mutex(Snapshot())

    var snapshot: Snapshot { state.withLock { $0 } }

    func moved(_ progress: BackfillProgress) { state.withLock { $0 = Snapshot(progress: progress) } }

    func waits(_ why: String) { state.withLock { $0.waits = why } }
}
