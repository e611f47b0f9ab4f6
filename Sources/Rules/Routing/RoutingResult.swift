import Documents
import Events

/// What the rules make of one event.
package struct RoutingResult: Sendable {
    /// In rule order, and within a rule in file order.
    package var deliveries: [Delivery] = []
    /// What rules in shadow mode would have sent. To be recorded, never sent.
    package var shadows: [Delivery] = []
    package var failures: [RoutingFailure] = []
    package var outcomes: [RuleOutcome] = []
    /// What has to be found out before the event can be routed. While this is not empty, the rest is not final: route again
    /// with the answers.
    package var wants: [RoutingWant] = []
    /// Deliveries that wait for a record which cannot be read now (`RoutingFacts.Record.later`): due, or not, once it is.
    package var deferred: [DeferredDelivery] = []

    package init() {}
}

/// A delivery that takes its place in its lane before anybody knows its request, or whether the rule wants it at all.
package struct DeferredDelivery: Sendable, Equatable {
    /// The ID that the delivery will have.
    package var id: String
    package var rule: String
    package var destination: String
    package var lane: String
    package var origin: DeliveryOrigin
    package var retry: RetryLimits
    /// Why the record cannot be read now.
    package var reason: String
}

extension RoutingResult {
    /// What is left without those rules.
    package func without(_ isLeftOut: (_ rule: String) -> Bool) -> RoutingResult {
        var rest = self
        rest.deliveries.removeAll { isLeftOut($0.rule) }
        rest.shadows.removeAll { isLeftOut($0.rule) }
        rest.failures.removeAll { isLeftOut($0.rule) }
        rest.deferred.removeAll { isLeftOut($0.rule) }
        rest.outcomes.removeAll { isLeftOut($0.rule) }
        return rest
    }
}

/// Something outside the event that a rule asks for.
package enum RoutingWant: Sendable, Hashable {
    /// The event's record, read from Salesforce.
    case record(RecordFields)
    /// The flows that a FlowMate destination lists for a user.
    case flows(FlowOwner)
}

package enum RecordFields: Sendable, Hashable {
    /// Every field: a gap event is read back.
    case all
    /// In alphabetical order.
    case some([String])
}

/// A user of a FlowMate destination, by the id that the customer's system gave to FlowMate.
package struct FlowOwner: Sendable, Hashable {
    package var destination: String
    package var user: String

    package init(destination: String, user: String) {
        self.destination = destination
        self.user = user
    }
}

/// Answers to `RoutingWant`s about one event.
package struct RoutingFacts: Sendable {
    package enum Record: Sendable {
        /// There is no such record (any more).
        case gone
        case read(Fields)
        /// Nobody can read it: rules are left with what the event itself tells.
        case unavailable
        /// Salesforce will not answer, now or later, and why.
        case refused(String)
        /// Salesforce does not answer now, and why: what can wait alone is deferred, the rest stays wanted.
        case later(String)
    }

    package enum Flows: Sendable {
        case found([FlowFacts])
        case refused(String)
    }

    /// Nil: not asked for yet.
    package var record: Record?
    /// Which state of the record was read: becomes part of the IDs of deliveries that are made of it.
    package var version: String?
    package var flows: [FlowOwner: Flows] = [:]

    package init() {}
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
    /// Of the delivery, as far as it could be computed.
    package var lane: String
    /// As of a `RenderFailure`.
    package var isTooLarge = false

    /// For the dead letter: `opportunity.yaml:21:15: 'record.Amount' is absent: the event does not tell it`
    package var description: String { "\(location): \(reason)" }
}
