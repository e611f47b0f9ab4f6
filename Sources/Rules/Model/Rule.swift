import CEL
import Documents
import Events

/// A rule, read and checked. Immutable; a class, because matching only ever passes it on, and copies would cost.
final class Rule: Sendable {
    enum Mode: String, Sendable {
        case live
        /// Matched and rendered, recorded, not sent.
        case shadow
        case off
    }

    /// What a gap event does to a rule that does not list gaps.
    enum GapPolicy: String, Sendable { case fetch, skip, deliver }

    struct Needs: Sendable {
        enum Missing: String, Sendable { case skip, fetch, fail }

        var fields: [FieldName]
        var missing: Missing
    }

    struct Let: Sendable {
        var name: String
        var expression: RuleExpression
    }

    let id: String
    let mode: Mode
    let labels: Fields
    /// How much of its requests, and of what they were made of, is shown at most.
    let bodies: BodyDisplay
    let match: MatchBlock
    /// In file order; each sees the earlier ones.
    let lets: [Let]
    let needs: Needs?
    /// Nil is true.
    let when: RuleExpression?
    let onGap: GapPolicy
    /// In file order; the position in this list is the delivery index.
    let deliveries: [DeliverySpec]
    let location: SourceLocation
    /// What expressions see as `rule` and `vars`.
    let object: CELValue
    let vars: CELValue

    init(
        id: String, mode: Mode, labels: Fields, bodies: BodyDisplay = .full, match: MatchBlock, lets: [Let],
        needs: Needs?, when: RuleExpression?,
        onGap: GapPolicy, deliveries: [DeliverySpec], location: SourceLocation, vars: CELValue
    ) {
        self.id = id
        self.mode = mode
        self.labels = labels
        self.bodies = bodies
        self.match = match
        self.lets = lets
        self.needs = needs
        self.when = when
        self.onGap = onGap
        self.deliveries = deliveries
        self.location = location
        self.vars = vars
        object = .object(RuleObject(id: id, labels: labels))
    }
}
