import Events
import Logging
import Salesforce
import Store
import Synchronization

/// Writes what the streams of one org say about themselves into the store, where `status` finds it.
package final class StreamReports: Sendable {
    private let org: String
    private let store: Store
    private let time: TimeSource
    private let log: Logger
    /// By topic: the state, and since when.
    private let shown = Mutex<[String: (state: StreamStatus.State, since: Int64)]>([:])

    package init(org: String, store: Store, time: TimeSource, log: Logger) {
        self.org = org
        self.store = store
        self.time = time
        self.log = log
    }

    package func changed(_ status: StreamStatus, topic: String) async {
        let now = time.wall()
        // An outage of many attempts is one state.
        let since = shown.withLock { shown in
            if shown[topic]?.state != status.state { shown[topic] = (status.state, now) }
            return shown[topic]?.since ?? now
        }
        let state = StreamState(
            key: Cursor.Key(org: org, topic: topic), state: status.state.rawValue, detail: status.detail, since: since,
            lastReceivedAt: nil, reconnects: status.reconnects)
        do throws(StoreError) {
            try await store.set(state)
        } catch {
            // The log has said it all; only `status` will be out of date.
            log.debug("\(error)")
        }
    }

    package func stated(_ statement: ResumeStatement, topic: String) async {
        let statement = LossStatement(
            at: time.wall(), key: Cursor.Key(org: org, topic: topic), kind: statement.kind.rawValue,
            text: statement.text)
        do throws(StoreError) {
            try await store.add(statement)
        } catch {
            log.debug("\(error)")
        }
    }
}
