import Rules
import Synchronization

/// The rule set in force. Swapped between events, never inside one.
package final class CurrentRules: Sendable {
    private let state: Mutex<RuleSet>

    package init(_ rules: RuleSet) { state = Mutex(rules) }

    package var current: RuleSet { state.withLock { $0 } }

    /// What asks for `current` from now on gets the other set; what has asked goes on with its own.
    package func replace(by rules: RuleSet) { state.withLock { $0 = rules } }
}
