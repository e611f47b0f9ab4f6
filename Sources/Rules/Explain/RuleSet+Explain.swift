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

    func explain() -> RuleExplanation {
        guard rule.mode != .off else { return explanation(.off, []) }
        let match = MatchClauses(match: rule.match, event: event)
        var clauses = match.header
        // What a rule about another object asks of its own says nothing about this event.
        guard clauses[0].state == .isTrue, let kind = ChangeKind(event) else { return explanation(.notMatched, clauses) }
        let role = RuleIndex.role(of: rule, for: kind)
        if !rule.match.isPlatform { clauses.insert(match.change(kind, holds: role != nil), at: 1) }
        guard let role, clauses.allSatisfy({ $0.state == .isTrue }) else {
            return explanation(.notMatched, clauses + conditions(asItIs(kind)))
        }
        var router = Router(event: event, kind: kind, now: now, facts: facts)
        router.route(rule, role)
        if case .gapSkipped = role {
            return explanation(.gapSkipped, clauses + [MatchClauses.gap(kind, rule.onGap)], router.result)
        }
        // With the fields that the router filled in, if it did.
        clauses += conditions(router.evaluation)
        return explanation(verdict(router.result, clauses), clauses, router.result, router.evaluation)
    }

    /// For an event that was decided against before its fields were looked at: they may be a second reason.
    private func asItIs(_ kind: ChangeKind) -> Evaluation {
        let evaluation = Evaluation(event, now: now)
        evaluation.begin(rule, EventRole(change: kind.word, reading: kind.reading))
        return evaluation
    }

    private func conditions(_ seen: Evaluation) -> [RuleExplanation.Clause] {
        var clauses = MatchClauses(match: rule.match, event: seen.event).fields(seen.changes)
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
        _ verdict: RuleExplanation.Verdict, _ clauses: [RuleExplanation.Clause], _ result: RoutingResult? = nil,
        _ seen: Evaluation? = nil
    ) -> RuleExplanation {
        RuleExplanation(
            rule: rule.id, location: rule.location, isShadow: rule.mode == .shadow, bodies: rule.bodies, verdict: verdict,
            clauses: clauses,
            deliveries: result.map { result in
                let told = outcomes(result)
                return verdict == .matched ? withConditions(told, seen) : told
            } ?? [])
    }

    /// Each delivery with its own condition; also those that are not made because of it.
    private func withConditions(
        _ told: [RuleExplanation.Outcome], _ seen: Evaluation?
    ) -> [RuleExplanation.Outcome] {
        guard let seen else { return told }
        let reader = ClauseReader(evaluation: seen)
        return rule.deliveries.enumerated().flatMap { index, delivery in
            var outcomes = told.filter { $0.index == index }
            guard let when = delivery.when else { return outcomes }
            if outcomes.isEmpty {
                outcomes = [.init(index: index, destination: delivery.destination, reason: "not made: its condition does not hold")]
            }
            let clauses = reader.clauses(of: when, key: "when")
            for place in outcomes.indices { outcomes[place].clauses = clauses }
            return outcomes
        }
    }

    private func outcomes(_ result: RoutingResult) -> [RuleExplanation.Outcome] {
        let made = (result.deliveries + result.shadows).map { delivery in
            RuleExplanation.Outcome(
                index: index(of: delivery),
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

    /// Of several to one destination, their IDs tell which is which.
    private func index(of delivery: Delivery) -> Int {
        let same = rule.deliveries.indices.filter { rule.deliveries[$0].destination == delivery.destination }
        let named = same.count == 1 ? nil : same.first {
            DeliveryID.make(delivery.origin, rule: rule.id, deliveryIndex: $0) == delivery.id
        }
        return named ?? same.first ?? 0
    }
}
