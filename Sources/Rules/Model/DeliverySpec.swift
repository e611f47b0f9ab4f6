import Documents
import Events

/// One delivery of a rule, its templates compiled.
struct DeliverySpec: Sendable {
    indirect enum Target: Sendable {
        case webhook(WebhookSpec)
        case flow(FlowSpec)
        case listener(name: String, body: Template)
        case run(RunSpec)
    }

    var destination: String
    /// Extra condition; nil is true.
    var when: RuleExpression?
    /// `key`; nil is the record ID, or the topic for platform events.
    var lane: TextTemplate?
    /// Nil: each event by itself. Runs are always gathered, with or without it.
    var coalesce: Coalesce?
    var target: Target
    var retry: RetryLimits
    var location: SourceLocation
}

struct WebhookSpec: Sendable {
    struct Header: Sendable {
        var name: String
        var value: TextTemplate
    }

    enum Content: Sendable {
        case json(Template)
        case event(CloudEventSpec)
    }

    var method: String
    var path: TextTemplate?
    var headers: [Header]
    var content: Content
}

/// A CloudEvent around `data`. Attributes that are not given have the defaults of `CloudEvent`.
struct CloudEventSpec: Sendable {
    /// `cloudevents-binary`: attributes as headers, `data` as body.
    var isBinary: Bool
    var type: TextTemplate?
    var source: TextTemplate?
    var subject: TextTemplate?
    /// In file order. One that is absent is left out.
    var extensions: [WebhookSpec.Header]
    var data: Template
}

/// A post to one FlowMate flow, or to each flow of a user.
struct FlowSpec: Sendable {
    enum Address: Sendable {
        case flow(TextTemplate)
        case fanOut(FanOut)
    }

    var address: Address
    var data: Template
    var conform: Conform
}

struct FanOut: Sendable {
    /// The user id that the customer's system gave to FlowMate.
    var user: TextTemplate
    var activeOnly: Bool
    var condition: RuleExpression?
    /// More flows than this are an error, not a cut.
    var limit: Int
}

/// How `data` is held against the flow's input parameters.
package struct Conform: Sendable, Hashable {
    package enum Mode: String, Sendable { case strict, warn, off }

    package var mode = Mode.strict
    /// Keys that the flow does not list are taken out; otherwise they are sent.
    package var dropsExtraKeys = true
    /// May be null.
    package var nullable: [String] = []
    /// May be missing.
    package var optional: [String] = []

    package init() {}
}

/// A run of an integrator.io flow, gathered over several events.
struct RunSpec: Sendable {
    var flow: TextTemplate
    var exports: [String]
    /// Nil: the commit time.
    var from: TimeTemplate?
    var until: TimeTemplate?
}

/// How events are gathered into one delivery.
struct Coalesce: Sendable {
    enum Mode: String, Sendable { case batch, latest }

    var mode = Mode.batch
    /// Nil: the rule's ID; with `latest` the record ID.
    var key: TextTemplate?
    var quietMilliseconds: Int64 = 10_000
    var maximumMilliseconds: Int64 = 120_000
    var limit = 1000
    /// Also closed when the Salesforce transaction is complete.
    var byTransaction = false
    /// `keep: records`
    var keepsRecords = false
}
