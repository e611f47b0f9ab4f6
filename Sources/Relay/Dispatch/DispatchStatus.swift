/// What the dispatcher knows about itself, at one moment.
package struct DispatchStatus: Sendable, Equatable {
    package struct Destination: Sendable, Equatable {
        package var name: String
        /// In memory and in the store.
        package var pending: Int
        package var inFlight: Int
        /// Lanes that wait for a retry, or whose flow or listener is held.
        package var blockedLanes: Int
        /// Lanes that stand until somebody mends a rule or a receiver, since their rule says `onError: pause`.
        package var paused: Paused
        /// Lanes whose next delivery failed and is tried again. Nil if there are none.
        package var retrying: Retrying?
        /// Why nothing, or not everything, is sent. Nil when it is well.
        package var hold: Hold?
        package var breaker: Breaker
        package var concurrency: Concurrency
        /// Nil without a rate limit.
        package var pace: Pace?
        /// No rule file names it any more; its deliveries are kept.
        package var isMissing: Bool
        /// Since the start.
        package var delivered: Int
        package var failedAttempts: Int
        package var deadLetters: Int
        package var dropped: Int
    }

    /// Attempts under way.
    package var inFlight: Int { destinations.map(\.inFlight).reduce(0, +) }

    package struct Paused: Sendable, Equatable {
        package var lanes = 0
        /// Of one of them.
        package var reason: String?

        /// Empty if there are none.
        var words: String {
            guard lanes > 0 else { return "" }
            let stand = lanes == 1 ? "1 lane stands" : "\(lanes) lanes stand"
            return "\(stand) until somebody mends it" + (reason.map { " (\($0))" } ?? "")
        }
    }

    package struct Retrying: Sendable, Equatable {
        package var lanes: Int
        /// What the one that is tried next met last.
        package var reason: String
        /// When the first attempt was that failed, epoch milliseconds.
        package var since: Int64
        /// Epoch milliseconds; nil while one of them is being tried.
        package var nextTry: Int64?

        /// Both, whichever comes first.
        func and(_ other: Retrying) -> Retrying {
            // Always the same one of several.
            let isNext = (other.nextTry ?? .min, other.reason) < (nextTry ?? .min, reason)
            return Retrying(
                lanes: lanes + other.lanes, reason: isNext ? other.reason : reason, since: min(since, other.since),
                nextTry: isNext ? other.nextTry : nextTry)
        }

        var words: String { "\(lanes == 1 ? "1 lane is" : "\(lanes) lanes are") tried again: \(reason)" }
    }

    /// Whether the destination as a whole is tried. Its events are kept in any case.
    package struct Breaker: Sendable, Equatable {
        package enum State: String, Sendable, Codable { case closed, open, halfOpen }

        package var state = State.closed
        /// Why it is not closed.
        package var reason = ""
        /// When the trouble began, epoch milliseconds.
        package var since: Int64?
        /// When one delivery goes first, epoch milliseconds; nil while that is under way (half open).
        package var nextTry: Int64?
    }

    package struct Concurrency: Sendable, Equatable {
        /// Attempts at the same time, at most.
        package var now: Int
        package var isAdaptive: Bool
    }

    package struct Pace: Sendable, Equatable {
        /// Requests per second, the lowest of those in force; nil for none.
        package var rate: Double?
        /// The receiver asked for a pause; epoch milliseconds.
        package var pausedUntil: Int64?
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
    /// Deliveries in the store, and about how many bytes they are.
    package var stored: Int
    package var storedBytes: Int
    /// Why nothing can be committed at the moment.
    package var storeFailure: String?
    /// When it is tried again, epoch milliseconds.
    package var storeNextTry: Int64?
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
