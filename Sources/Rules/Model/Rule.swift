import Documents
import Events

/// A rule, read and checked. Immutable; a class, because matching only ever passes it on, and copies would cost.
final class Rule: Sendable {
    enum Mode: String, Sendable { case live, off }
    /// What a gap event does to a rule that does not list gaps.
    enum GapPolicy: String, Sendable { case skip, deliver }

    struct Needs: Sendable {
        enum Missing: String, Sendable { case skip, fail }

        var fields: [FieldName]
        var missing: Missing
    }

    let id: String
    let mode: Mode
    let labels: Fields
    let match: MatchBlock
    let needs: Needs?
    let onGap: GapPolicy
    /// In file order; the position in this list is the delivery index.
    let deliveries: [DeliverySpec]
    let location: SourceLocation

    init(
        id: String, mode: Mode, labels: Fields, match: MatchBlock, needs: Needs?, onGap: GapPolicy,
        deliveries: [DeliverySpec], location: SourceLocation
    ) {
        self.id = id
        self.mode = mode
        self.labels = labels
        self.match = match
        self.needs = needs
        self.onGap = onGap
        self.deliveries = deliveries
        self.location = location
    }
}

/// One delivery of a rule, its templates compiled.
struct DeliverySpec: Sendable {
    indirect enum Target: Sendable {
        case webhook(method: String, path: TextTemplate?, headers: [Header], body: Template)
        case flow(id: TextTemplate, data: Template)
        case listener(name: String, body: Template)
        case run(RunSpec)
    }

    struct Header: Sendable {
        var name: String
        var value: TextTemplate
    }

    var destination: String
    /// `key`; nil is the record ID, or the topic for platform events.
    var lane: TextTemplate?
    var target: Target
    var retry: RetryLimits
    var location: SourceLocation
}

/// A run of an integrator.io flow, gathered over several events.
struct RunSpec: Sendable {
    var flow: TextTemplate
    var exports: [String]
    /// Nil: the commit time.
    var from: TimeExpression?
    var until: TimeExpression?
    /// `coalesce.key`; nil is the rule's ID.
    var key: TextTemplate?
    var quietMilliseconds: Int64
    var maximumMilliseconds: Int64
    var limit: Int
}
