import Synchronization

/// How far the streams have come, for batches that end with a Salesforce transaction.
package final class StreamMarks: Sendable {
    package struct Mark: Sendable, Equatable {
        /// Of the newest event; nil when the stream is idle: a keepalive came after it.
        package var transaction: String?
    }

    /// Orgs have topics of the same name.
    package struct Stream: Sendable, Hashable {
        var orgID: String
        var topic: String

        package init(orgID: String, topic: String) {
            self.orgID = orgID
            self.topic = topic
        }
    }

    private struct State {
        var newest: [Stream: Mark] = [:]
        var notify: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    package init() {}

    /// Nil: nothing has come yet.
    package func newest(of stream: Stream) -> Mark? { state.withLock { $0.newest[stream] } }

    /// Bounded by the topics that are subscribed to.
    package func passed(_ stream: Stream, transaction: String?) {
        let notify = state.withLock { state -> (@Sendable () -> Void)? in
            let mark = Mark(transaction: transaction)
            guard state.newest.updateValue(mark, forKey: stream) != mark else { return nil }
            return state.notify
        }
        notify?()
    }

    /// - Parameter notify: called after every change from now on; must return at once.
    package func watch(_ notify: @escaping @Sendable () -> Void) {
        state.withLock { if $0.notify == nil { $0.notify = notify } }
    }
}
