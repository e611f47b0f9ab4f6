import Documents
import Events

/// What the rules make of one event.
package struct RoutingResult: Sendable {
    /// In rule order, and within a rule in file order.
    package var deliveries: [Delivery] = []
    package var failures: [RoutingFailure] = []
    package var outcomes: [RuleOutcome] = []

    package init() {}
}

/// What one rule made of an event that it was a candidate for. Rules that simply did not match are not listed.
package struct RuleOutcome: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case matched
        /// A field of `needs` was not known.
        case needsMissing = "needs_missing"
        /// A gap or overflow event that the rule does not take.
        case gapSkipped = "gap_skipped"
    }

    package var rule: String
    package var kind: Kind

    package init(rule: String, kind: Kind) {
        self.rule = rule
        self.kind = kind
    }
}

/// A delivery that was due and whose request could not be built. The caller stores it as a dead letter, drops it or
/// pauses, as `onError` says.
package struct RoutingFailure: Sendable, Equatable {
    /// The ID that the delivery would have had.
    package var id: String
    package var rule: String
    package var deliveryIndex: Int
    package var destination: String
    package var reason: String
    /// The expression that failed, or the delivery.
    package var location: SourceLocation
    package var onError: RetryLimits.OnError
    package var origin: DeliveryOrigin

    /// For the dead letter: `opportunity.yaml:21:15: 'record.Amount' is absent: the event does not tell it`
    package var description: String { "\(location): \(reason)" }
}
