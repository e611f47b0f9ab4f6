import Synchronization

/// How far the streams have come, for batches that end with a Salesforce transaction.
package final class StreamMarks: Sendable {
    package struct Mark: Sendable, Equatable {
        /// Of the newest event; nil when the stream is idle: a keepalive came after it.
        package var transaction: String?
    }

    private struct State {
        var newest: [String: Mark] = [:]
        var notify: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    package init() {}

    /// Nil: nothing has come yet.
    package func newest(of topic: String) -> Mark? { state.withLock { $0.newest[topic] } }

    /// Bounded by the topics that are subscribed to.
    package func passed(_ topic: String, transaction: String?) {
        let notify = state.withLock { state -> (@Sendable () -> Void)? in
            let mark = Mark(transaction: transaction)
            guard state.newest.updateValue(mark, forKey: topic) != mark else { return nil }
            return state.notify
        }
        notify?()
    }

    /// - Parameter notify: called after every change from now on; must return at once.
    package func watch(_ notify: @escaping @Sendable () -> Void) {
        state.withLock { if $0.notify == nil { $0.notify = notify } }
    }
}
