import CEL
import Events

/// Every rule in turn, its whole condition evaluated as it is written. Slow and plain: what the index is held against.
package struct LinearScan {
    private let rules: [Rule]
    /// By rule: one bit for each lane whose events it may match.
    private let lanes: [UInt32]

    package init(_ set: RuleSet) {
        rules = set.rules
        lanes = rules.enumerated().map { number, rule in
            guard rule.mode != .off else { return 0 }
            return IndexedRule(rule, number: number).lanes.reduce(0) { $0 | 1 << UInt32($1.number) }
        }
    }

    /// The numbers of the rules that match, ascending.
    ///
    /// - Parameter lane: how the event is taken; for gap events that were read back not the one it arrived in.
    package func match(_ event: Event, _ lane: IndexLane) -> [Int] {
        let evaluation = Evaluation(event, now: event.receivedAt)
        let changes = FieldChanges(event: event, reading: lane.reading)
        return rules.indices.filter { number in
            guard lanes[number] & 1 << UInt32(lane.number) != 0 else { return false }
            let rule = rules[number]
            guard rule.match.isAbout(event), rule.match.concerns(event), rule.match.holds(event, changes) else {
                return false
            }
            guard let when = rule.when else { return true }
            evaluation.begin(rule, event, EventRole(change: event.change, reading: lane.reading))
            if case .isTrue = when.program.condition(evaluation.frame) { return true }
            return false
        }
    }
}

extension LinearScan {
    /// Evaluates one rule's `when` again and again on one event, for who wants to know what that takes.
    ///
    /// - Returns: how often it was true.
    package func evaluate(rule number: Int, _ event: Event, _ lane: IndexLane, times: Int) -> Int {
        guard let when = rules[number].when else { return times }
        let evaluation = Evaluation(event, now: event.receivedAt)
        evaluation.begin(rules[number], event, EventRole(change: event.change, reading: lane.reading))
        return (0..<times).count { _ in
            if case .isTrue = when.program.condition(evaluation.frame) { true } else { false }
        }
    }
}

extension MatchBlock {
    /// Whether the event is about an object, or is of a type, that the rule names.
    func isAbout(_ event: Event) -> Bool {
        switch subject {
        case .anyEntity: event.kind == .change
        case .entities(let names): event.kind == .change && names.contains(event.entity)
        case .events(let names): event.kind == .platform && names.contains(event.entity)
        }
    }
}
