import CEL
import Documents
import Events

extension RuleSet {
    /// Everything that can go either way in the rules that are not off.
    package var branchSites: [BranchSite] {
        rules.filter { $0.mode != .off }.flatMap { [ruleSite($0)] + BranchProbe(rule: $0).sites }
    }

    /// Notes which ways one event takes through all rules, those included that are no candidates for it.
    ///
    /// - Parameter facts: those that the event was routed by.
    package func cover(_ event: Event, now: Int64, facts: RoutingFacts, in coverage: inout BranchCoverage) {
        let matched = Set(
            route(event, now: now, facts: facts).outcomes.filter { $0.kind == .matched && $0.deliveryIndex == nil }
                .map(\.rule))
        guard let kind = ChangeKind(event) else { return }
        for rule in rules where rule.mode != .off {
            coverage.saw(ruleSite(rule), matched.contains(rule.id))
            guard Self.isAbout(rule, event), rule.match.concerns(event) else { continue }
            guard let (seen, role) = asSeen(event, kind, by: rule, facts) else { continue }
            let evaluation = Evaluation(event, now: now)
            evaluation.begin(rule, seen, role)
            guard rule.match.holds(seen, evaluation.changes) else { continue }
            BranchProbe(rule: rule).probe(evaluation, into: &coverage)
        }
    }

    static func isAbout(_ rule: Rule, _ event: Event) -> Bool {
        switch rule.match.subject {
        case .anyEntity: event.header != nil
        case .entities(let names): event.header != nil && names.contains(event.entity)
        case .events(let names): event.header == nil && names.contains(event.entity)
        }
    }

    private func ruleSite(_ rule: Rule) -> BranchSite {
        BranchSite(rule: rule.id, kind: .rule, location: rule.location, text: rule.id)
    }

    /// The event as the rule takes it: with what was fetched for it, and a gap as the change that it stands for.
    func asSeen(
        _ event: Event, _ kind: ChangeKind, by rule: Rule, _ facts: RoutingFacts
    ) -> (Event, EventRole)? {
        var seen = event
        var fetched: Fields?
        if case .read(let fields)? = facts.record { fetched = fields }
        if kind == .platform || rule.match.changes.contains(kind == .snapshot ? .update : kind) {
            if let needs = rule.needs, needs.missing == .fetch, let fetched {
                let names = Set(needs.fields.map(\.path[0]))
                seen.record = CompletedRecord(
                    told: event.record, fetched: Fields(fetched.fields.filter { names.contains($0.name) }))
                seen.fetched = true
            }
            return (seen, EventRole(change: kind.word, reading: kind.reading))
        }
        guard let underlying = kind.underlying, rule.match.changes.contains(underlying) else { return nil }
        switch rule.onGap {
        case .skip: return nil
        case .deliver: return (seen, EventRole(change: underlying.word, reading: .nothing))
        case .fetch:
            guard let fetched, underlying != .delete else { return nil }
            seen.record = KnownFields(fetched)
            seen.fetched = true
            return (seen, EventRole(change: underlying.word, reading: .full))
        }
    }
}
