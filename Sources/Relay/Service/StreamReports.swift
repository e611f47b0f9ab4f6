import Events
import Logging
import Salesforce
import Store

/// Writes what the streams of one org say about themselves into the store, where `status` finds it.
package struct StreamReports: Sendable {
    private let org: String
    private let store: Store
    private let time: TimeSource
    private let log: Logger

    package init(org: String, store: Store, time: TimeSource, log: Logger) {
        self.org = org
        self.store = store
        self.time = time
        self.log = log
    }

    package func changed(_ status: StreamStatus, topic: String) async {
        let now = time.wall()
        let state = StreamState(
            key: Cursor.Key(org: org, topic: topic), state: status.state.rawValue, detail: status.detail, since: now,
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
