import Events
import Logging
import Salesforce
import Store
import Synchronization

/// Writes what the streams of one org say about themselves into the store, where `status` finds it, and tells the monitor.
package final class StreamReports: Sendable {
    private let org: String
    private let store: Store
    private let monitor: RelayMonitor?
    private let alerts: LossAlerts?
    private let time: TimeSource
    private let log: Logger
    /// By topic: the state, and since when.
    private let shown = Mutex<[String: (state: StreamStatus.State, since: Int64)]>([:])

    package init(
        org: String, store: Store, monitor: RelayMonitor? = nil, alerts: LossAlerts? = nil, time: TimeSource, log: Logger
    ) {
        self.alerts = alerts
        self.org = org
        self.store = store
        self.monitor = monitor
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
        monitor?.stream(Cursor.Key(org: org, topic: topic)) { numbers in
            numbers.state = status.state.rawValue
            numbers.detail = status.detail
            numbers.since = since
            numbers.reconnects = status.reconnects
            numbers.failures = status.failures
            numbers.nextTry = status.nextTry
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

    /// - Parameter commitTime: of the last event; nil for a keepalive.
    func received(_ batch: ReceivedBatch, commitTime: Int64?, quarantined: Int) {
        monitor?.stream(Cursor.Key(org: org, topic: batch.topic)) { numbers in
            numbers.received(events: batch.events.count, commitTime: commitTime, at: batch.receivedAt)
            numbers.quarantined += quarantined
        }
    }

    /// - Parameter isAlarming: rules name fields that are gone or another type.
    func schemaChanged(_ text: String, topic: String, isAlarming: Bool) async {
        let key = Cursor.Key(org: org, topic: topic)
        monitor?.stream(key) { $0.schemaChanges += 1 }
        let statement = LossStatement(at: time.wall(), key: key, kind: LossStatement.schemaChange, text: text)
        do throws(StoreError) {
            try await store.add(statement)
        } catch {
            log.debug("\(error)")
        }
        if isAlarming { await alerts?.stated(statement) }
    }

    package func stated(_ statement: ResumeStatement, topic: String) async {
        if statement.kind == .possibleGap {
            monitor?.stream(Cursor.Key(org: org, topic: topic)) { $0.possibleGaps += 1 }
        }
        let statement = LossStatement(
            at: time.wall(), key: Cursor.Key(org: org, topic: topic), kind: statement.kind.rawValue,
            text: statement.text, lostFrom: statement.lostSince,
            lostUntil: statement.lostSince == nil ? nil : time.wall())
        do throws(StoreError) {
            try await store.add(statement)
        } catch {
            log.debug("\(error)")
        }
        await alerts?.stated(statement)
    }
}
