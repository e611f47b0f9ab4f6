import Crypto
import Events

/// All rules of a folder, compiled. Immutable: a new set replaces an old one between two events, never inside one.
package struct RuleSet: Sendable {
    /// By name. Secrets are still references.
    package let destinations: [String: Destination]
    /// 64 hex digits that change with any file of the set.
    package let hash: String
    let rules: [Rule]
    let lookup: IndexedRules

    /// - Parameter previous: the set before an edit; what was compiled for its rules is used again for those that stayed.
    init(rules: [Rule], destinations: [String: Destination], hash: String, reusing previous: RuleSet? = nil) {
        self.rules = rules
        self.destinations = destinations
        self.hash = hash
        lookup = IndexedRules(rules, reusing: previous?.lookup)
    }

    /// A set without rules: nothing is ever delivered.
    package static let empty = RuleSet(rules: [], destinations: [:], hash: contentHash(of: []))

    /// The IDs of all rules, those that are off included, in order.
    package var ruleIDs: [String] { rules.map(\.id) }

    /// How much of a rule's requests is shown at most, as the rule says; nil for a rule that is not here.
    package func shownBodies(of rule: String) -> BodyDisplay? { rules.first { $0.id == rule }?.bodies }

    /// How much of an event's record is shown at most: requests of the rules about its object are made of it.
    package func shownRecord(of event: Event) -> BodyDisplay {
        rules.filter { $0.mode != .off && MatchClauses(match: $0.match, event: event).isAboutObject }
            .reduce(.full) { $0.limited(by: $1.bodies) }
    }

    /// Builds every delivery that the rules want of this event. What is rendered here is what is sent, each time.
    ///
    /// - Parameters:
    ///   - now: epoch milliseconds; what `now` in an expression gives.
    ///   - facts: what an earlier call asked for in `wants`.
    package func route(_ event: Event, now: Int64, facts: RoutingFacts = RoutingFacts()) -> RoutingResult {
        guard let kind = ChangeKind(event) else { return RoutingResult() }
        let candidates = lookup.candidates(event, kind, facts)
        guard !candidates.isEmpty else { return RoutingResult() }
        var router = Router(event: event, kind: kind, now: now, facts: facts)
        for candidate in candidates {
            router.route(rules[candidate.number], candidate.role, residual: candidate.residual)
        }
        return router.result
    }

    /// The same without the index: every rule, its whole condition as it is written. Deliveries are the same; outcomes
    /// also say which rules came to nothing without ever being candidates.
    package func routeByScan(_ event: Event, now: Int64, facts: RoutingFacts = RoutingFacts()) -> RoutingResult {
        guard let kind = ChangeKind(event) else { return RoutingResult() }
        var router = Router(event: event, kind: kind, now: now, facts: facts)
        for rule in rules where rule.mode != .off && rule.match.isAbout(event) {
            if let role = RuleIndex.role(of: rule, for: kind) { router.route(rule, role) }
        }
        return router.result
    }

    /// SHA-256 over the paths and contents of all files.
    static func contentHash(of sources: [RuleSource]) -> String {
        var hash = SHA256()
        for source in sources.sorted(by: { $0.path < $1.path }) {
            hash.update(part: Array(source.path.utf8))
            hash.update(part: source.bytes)
        }
        return hash.finalize().hex()
    }
}
