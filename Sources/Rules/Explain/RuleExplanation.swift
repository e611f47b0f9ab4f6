import Documents
import Events

/// Why one rule did, or did not, make deliveries of one event.
package struct RuleExplanation: Sendable {
    package enum Verdict: String, Sendable {
        case matched
        case notMatched = "not matched"
        case unknown
        case fault
        case needsMissing = "needs missing"
        case gapSkipped = "gap skipped"
        /// Something has to be read first, and nobody did.
        case needsReading = "needs reading"
        case off
    }

    package var rule: String
    package var location: SourceLocation
    package var isShadow: Bool
    /// How much of its requests, and of what they are made of, is shown at most.
    package var bodies: BodyDisplay
    package var verdict: Verdict
    /// All of them, in written order, of a rule that is about the event's object. The first that is not true decided.
    package var clauses: [Clause]
    package var deliveries: [Outcome]

    /// One condition, as written, and what became of it.
    package struct Clause: Sendable {
        package enum State: String, Sendable {
            case isTrue = "true"
            case isFalse = "false"
            case unknown
            case fault
        }

        /// `match.entity`, `when`, `needs`
        package var key: String
        package var text: String
        package var state: State
        /// Of anything but true: why, in words. Of true: empty.
        package var reason: String
        /// What the clause looked at, in written order: `record.Amount` and its value.
        package var values: [(name: String, value: Shown)]
    }

    /// A value as JSON text, or that the event does not tell it.
    package enum Shown: Sendable, Equatable {
        case absent
        case json(String)

        package var text: String {
            switch self {
            case .absent: "absent"
            case .json(let text): text
            }
        }
    }

    /// What one element of `to` came to.
    package struct Outcome: Sendable {
        package var index: Int
        package var destination: String
        package var delivery: Delivery?
        /// Why there is none.
        package var reason: String
        /// Its own condition, if it has one.
        package var clauses: [Clause] = []
    }

    package var isMatch: Bool { verdict == .matched }

    /// How far an event came: conditions that held before one did not.
    package var heldFirst: Int { clauses.prefix { $0.state == .isTrue }.count }

    /// The condition that decided against the rule; nil if none did.
    package var decisive: Clause? { clauses.first { $0.state != .isTrue } }
}
