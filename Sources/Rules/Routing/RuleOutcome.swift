/// What one rule made of an event that it was a candidate for. Rules that are plainly false are not listed.
package struct RuleOutcome: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case matched
        /// A condition was decided by a field that the event does not tell, or by a null.
        case unknown
        /// A condition ended in an error: mixed number types, overflow, cost.
        case fault
        /// A field of `needs` was not known.
        case needsMissing = "needs_missing"
        /// A gap or overflow event that the rule does not take, or whose record could not confirm it.
        case gapSkipped = "gap_skipped"
    }

    package var rule: String
    package var kind: Kind
    /// Of `unknown` and `fault`: which part, and why. Never a field's value.
    package var cause: RenderFailure?
    /// The condition was that of this element of `to`; nil is the rule's own.
    package var deliveryIndex: Int?

    package init(rule: String, kind: Kind, cause: RenderFailure? = nil, deliveryIndex: Int? = nil) {
        self.rule = rule
        self.kind = kind
        self.cause = cause
        self.deliveryIndex = deliveryIndex
    }
}
