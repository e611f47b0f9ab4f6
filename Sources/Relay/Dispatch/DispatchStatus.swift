/// What the dispatcher knows about itself, at one moment.
package struct DispatchStatus: Sendable, Equatable {
    package struct Destination: Sendable, Equatable {
        package var name: String
        /// In memory and in the store.
        package var pending: Int
        package var inFlight: Int
        /// Lanes that wait for a retry, or whose flow or listener is held.
        package var blockedLanes: Int
        /// Why nothing, or not everything, is sent. Nil when it is well.
        package var hold: Hold?
        /// No rule file names it any more; its deliveries are kept.
        package var isMissing: Bool
        /// Since the start.
        package var delivered: Int
        package var failedAttempts: Int
        package var deadLetters: Int
        package var dropped: Int
    }

    package struct Hold: Sendable, Equatable {
        /// `flow 64…`; nil for the whole destination.
        package var target: String?
        package var reason: String
        package var since: Int64
        /// Epoch milliseconds; nil while the probe is under way.
        package var nextTry: Int64?
    }

    /// By name.
    package var destinations: [Destination]
    /// Accepted and neither acknowledged nor stored.
    package var unwritten: Int
    package var unwrittenBytes: Int
    /// Why nothing can be committed at the moment.
    package var storeFailure: String?
    /// `accept` is waiting for room.
    package var isBackedUp: Bool
}

/// What happened at a destination since the start.
struct DispatchCounters {
    var delivered = 0
    var failedAttempts = 0
    var deadLetters = 0
    var dropped = 0
}
