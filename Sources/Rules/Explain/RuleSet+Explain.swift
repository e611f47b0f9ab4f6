import Events

extension RuleSet {
    /// What every rule of the set, in file order, makes of an event: without the index, each condition for itself.
    ///
    /// - Parameters:
    ///   - facts: answers to what rules ask for; without them such rules end in `needsReading`.
    ///   - only: IDs of the rules to explain; nil is all.
    package func explain(
        _ event: Event, now: Int64, facts: RoutingFacts = RoutingFacts(), only: Set<String>? = nil
    ) -> [RuleExplanation] {
        rules.filter { only?.contains($0.id) ?? true }.map { rule in
            Explainer(rule: rule, event: event, now: now, facts: facts).explain()
        }
    }
}

/// Explains one rule.
struct Explainer {
    let rule: Rule
    let event: Event
    let now: Int64
    let facts: RoutingFacts
    private let evaluation: Evaluation

    init(rule: Rule, event: Event, now: Int64, facts: RoutingFacts) {
        self.rule = rule
        self.event = event
        self.now = now
        self.facts = facts
        evaluation = Evaluation(event, now: now)
    }

    func explain() -> RuleExplanation {
        guard rule.mode != .off else { return explanation(.off, []) }
        var clauses = MatchClauses(match: rule.match, event: event).header
        guard clauses.allSatisfy({ $0.state == .isTrue }), let kind = ChangeKind(event) else {
            return explanation(.notMatched, clauses)
        }
        guard let role = RuleIndex.role(of: rule, for: kind) else {
            return explanation(.notMatched, clauses + [MatchClauses.change(kind, rule.match)])
        }
        var router = Router(event: event, kind: kind, now: now, facts: facts)
        router.route(rule, role)
        if case .gapSkipped = role { return explanation(.gapSkipped, clauses, router.result) }
        clauses += conditions(router)
        return explanation(verdict(router.result, clauses), clauses, router.result)
    }

    /// With the fields that the router filled in, if it did.
    private func conditions(_ router: Router) -> [RuleExplanation.Clause] {
        let seen = router.evaluation
        var clauses = MatchClauses(match: rule.match, event: seen.event).fields(seen.changes)
        guard clauses.allSatisfy({ $0.state == .isTrue }) else { return clauses }
        if let when = rule.when { clauses += ClauseReader(evaluation: seen).clauses(of: when, key: "when") }
        if let needs = rule.needs { clauses.append(needed(needs, seen)) }
        return clauses
    }

    private func needed(_ needs: Rule.Needs, _ seen: Evaluation) -> RuleExplanation.Clause {
        let values = needs.fields.map { field in
            (
                "record.\(field.name)",
                needs.isMet(by: seen.event, seen.changes.reading, field)
                    ? RuleExplanation.Shown.json("known")
                    : seen.event.record.field(field.path) == nil ? .absent : .json("known in part")
            )
        }
        let missing = values.filter { $0.1 == .absent }.map(\.0)
        return RuleExplanation.Clause(
            key: "needs", text: needs.fields.map(\.name).joined(separator: ", "),
            state: missing.isEmpty ? .isTrue : .unknown,
            reason: missing.isEmpty ? "" : "\(missing.joined(separator: ", ")) absent (missing: \(needs.missing))",
            values: values)
    }

    private func verdict(_ result: RoutingResult, _ clauses: [RuleExplanation.Clause]) -> RuleExplanation.Verdict {
        if !result.wants.isEmpty { return .needsReading }
        switch result.outcomes.first?.kind {
        case .matched?: return .matched
        case .unknown?: return .unknown
        case .fault?: return .fault
        case .needsMissing?: return .needsMissing
        case .gapSkipped?: return .gapSkipped
        case nil: return .notMatched
        }
    }

    private func explanation(
        _ verdict: RuleExplanation.Verdict, _ clauses: [RuleExplanation.Clause], _ result: RoutingResult? = nil
    ) -> RuleExplanation {
        RuleExplanation(
            rule: rule.id, location: rule.location, isShadow: rule.mode == .shadow, verdict: verdict, clauses: clauses,
            deliveries: result.map { outcomes($0) } ?? [])
    }

    private func outcomes(_ result: RoutingResult) -> [RuleExplanation.Outcome] {
        let made = (result.deliveries + result.shadows).map { delivery in
            RuleExplanation.Outcome(
                index: rule.deliveries.firstIndex { $0.destination == delivery.destination } ?? 0,
                destination: delivery.destination, delivery: delivery, reason: "")
        }
        let failed = result.failures.map {
            RuleExplanation.Outcome(
                index: $0.deliveryIndex, destination: $0.destination, delivery: nil, reason: $0.description)
        }
        let skipped = result.outcomes.compactMap { outcome -> RuleExplanation.Outcome? in
            guard let index = outcome.deliveryIndex else { return nil }
            return RuleExplanation.Outcome(
                index: index, destination: rule.deliveries[index].destination, delivery: nil,
                reason: "\(outcome.kind.rawValue): \(outcome.cause.map { "\($0)" } ?? "")")
        }
        return made + failed + skipped
    }
}
