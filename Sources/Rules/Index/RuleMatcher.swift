import CEL
import Events

/// Which rules match an event, by the index and what it leaves of their conditions. Routes nothing: for those who only
/// count. For one thread at a time.
package final class RuleMatcher {
    private let set: RuleSet
    private let rules: IndexedRules
    private let matcher: IndexMatcher
    private let matched: UnsafeMutableBufferPointer<UInt32>
    private var matchCount = 0

    package init(_ set: RuleSet) {
        self.set = set
        rules = set.lookup
        matcher = IndexMatcher(rules.index)
        matched = .allocate(capacity: rules.index.ruleCount)
    }

    deinit { matched.deallocate() }

    /// How many postings were looked at for the last event.
    package var candidateCount: Int { matcher.candidateCount }

    /// The numbers of the rules that matched the last event, ascending.
    package var matches: [Int] { (0..<matchCount).map { Int(matched[$0]) } }

    /// - Returns: how many rules match.
    package func match(_ event: Event, _ lane: IndexLane) -> Int {
        let count = matcher.match(event, lane)
        var matchCount = 0
        var evaluation: Evaluation?
        for position in 0..<count {
            let number = matcher[position]
            if rules.isDecided(number)
                || holds(rules.residual(number), set.rules[number], event, lane, &evaluation)
            {
                matched[matchCount] = UInt32(number)
                matchCount += 1
            }
        }
        self.matchCount = matchCount
        return matchCount
    }

    private func holds(
        _ residual: IndexedRules.Residual, _ rule: Rule, _ event: Event, _ lane: IndexLane,
        _ evaluation: inout Evaluation?
    ) -> Bool {
        if residual.needsMatch {
            let changes = FieldChanges(event: event, reading: lane.reading)
            guard rule.match.concerns(event), rule.match.holds(event, changes) else { return false }
        }
        guard let program = residual.program else { return true }
        let evaluated = evaluation ?? Evaluation(event, now: event.receivedAt)
        evaluation = evaluated
        evaluated.begin(rule, event, EventRole(change: event.change, reading: lane.reading))
        if case .isTrue = program.condition(evaluated.frame) { return true }
        return false
    }
}
