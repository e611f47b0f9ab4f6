/// What a topic's stream is doing, for logs, `status` and metrics.
package struct StreamStatus: Sendable, Equatable {
    package enum State: String, Sendable, CaseIterable {
        case connecting
        /// Salesforce did not refuse the subscription, and has sent nothing yet: a quiet topic's first keepalive takes
        /// minutes.
        case accepted
        case streaming
        /// Waiting to connect again.
        case reconnecting
        /// Another client has the managed subscription; this one takes over when that ends.
        case standby = "stand-by"
        /// Closed on purpose until there is room downstream.
        case parked
        /// Given up until somebody mends what `detail` names.
        case stopped
        /// The relay was stopped.
        case off

        /// Nothing is in its way that needs anybody: it brings events, or waits for room, or for another client's end.
        package var isWell: Bool {
            switch self {
            case .streaming, .accepted, .parked, .standby: true
            case .connecting, .reconnecting, .stopped, .off: false
            }
        }
    }

    package var state: State
    /// Why, in plain words. Empty while streaming.
    package var detail: String
    /// Times that it brought events again after a break.
    package var reconnects: Int
    /// Times that it broke, or could not be opened.
    package var failures: Int
    /// While reconnecting: when the next try is, epoch milliseconds.
    package var nextTry: Int64?

    package init(state: State, detail: String = "", reconnects: Int = 0, failures: Int = 0, nextTry: Int64? = nil) {
        self.state = state
        self.detail = detail
        self.reconnects = reconnects
        self.failures = failures
        self.nextTry = nextTry
    }
}
