import Events

/// A delivery that nobody tries any more, with everything that is needed to see why and to send it again.
package struct DeadLetter: Sendable, Equatable {
    package enum Reason: String, Sendable, CaseIterable {
        /// The body could not be built; `body` is empty.
        case rendering
        /// The receiver said that this delivery can never succeed.
        case rejected
        /// The horizon or the limit of attempts was reached.
        case exhausted
        /// An operator gave up what waited for its destination.
        case dropped

        /// For messages and help.
        package static var words: String {
            let all = allCases.map(\.rawValue)
            return all.dropLast().joined(separator: ", ") + " or " + all.last!
        }
    }

    package var delivery: Delivery
    package var reason: Reason
    package var detail: String
    /// All attempts; `history` holds at most `DeliveryProgress.maximumHistory` of them.
    package var attempts: Int
    package var history: [AttemptRecord]
    /// Epoch milliseconds.
    package var diedAt: Int64

    package init(
        delivery: Delivery, reason: Reason, detail: String, attempts: Int = 0, history: [AttemptRecord] = [],
        diedAt: Int64
    ) {
        self.delivery = delivery
        self.reason = reason
        self.detail = detail
        self.attempts = attempts
        self.history = history
        self.diedAt = diedAt
    }
}

/// An event that could not be decoded, raw, so that it can be decoded again.
package struct QuarantinedEvent: Sendable, Equatable {
    package var org: String
    package var topic: String
    package var replayID: ReplayID
    package var schemaID: String
    package var eventID: String
    package var payload: [UInt8]
    package var reason: String
    package var at: Int64

    package init(
        org: String, topic: String, replayID: ReplayID, schemaID: String, eventID: String, payload: [UInt8],
        reason: String, at: Int64
    ) {
        self.org = org
        self.topic = topic
        self.replayID = replayID
        self.schemaID = schemaID
        self.eventID = eventID
        self.payload = payload
        self.reason = reason
        self.at = at
    }
}
