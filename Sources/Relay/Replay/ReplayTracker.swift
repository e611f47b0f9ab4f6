import Store
import Synchronization

/// How far a running replay is at this moment, committed or not: for people who watch.
final class ReplayTracker: Sendable {
    struct Snapshot {
        var progress: [Cursor.Key: ReplayProgress] = [:]
        var times: [Cursor.Key: Int64] = [:]
        /// Why it waits; empty while it does not.
        var waits = ""
    }

    private let state = Mutex(Snapshot())

    var snapshot: Snapshot { state.withLock { $0 } }

    func moved(_ key: Cursor.Key, _ progress: ReplayProgress, time: Int64?) {
        state.withLock { state in
            state.progress[key] = progress
            if let time { state.times[key] = time }
            state.waits = ""
        }
    }

    func waits(_ why: String) { state.withLock { $0.waits = why } }
}
