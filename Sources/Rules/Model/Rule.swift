import Events

/// A rule, read and checked.
struct Rule: Sendable {
    enum Mode: String, Sendable { case live, off }
    /// What a gap event does to a rule that does not list gaps.
    enum GapPolicy: String, Sendable { case skip, deliver }

    struct Needs: Sendable {
        enum Missing: String, Sendable { case skip, fail }

        var fields: [FieldName]
        var missing: Missing
    }

    var id: String
    var mode: Mode
    var labels: Fields
    var match: MatchBlock
    var needs: Needs?
    var onGap: GapPolicy
    /// In file order; the position in this list is the delivery index.
    var deliveries: [DeliverySpec]
    var location: SourceLocation
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
