import CEL
import Documents
import Events

/// Takes one event through the rules that it is a candidate for.
struct Router {
    let event: Event
    let kind: ChangeKind
    let facts: RoutingFacts
    let evaluation: Evaluation
    private(set) var result = RoutingResult()

    init(event: Event, kind: ChangeKind, now: Int64, facts: RoutingFacts) {
        self.event = event
        self.kind = kind
        self.facts = facts
        evaluation = Evaluation(event, now: now)
    }

    /// - Parameter residual: what the index has left of the rule's condition for this event; nil if it was not asked.
    mutating func route(_ rule: Rule, _ role: RuleIndex.Role, residual: IndexedRules.Residual? = nil) {
        guard rule.match.concerns(event) else { return }
        switch role {
        case .direct: evaluate(rule, nil, EventRole(change: kind.word, reading: kind.reading), residual)
        case .gapAsChange(let change):
            evaluate(rule, nil, EventRole(change: change.word, reading: .nothing), residual)
        case .gapReadBack(let change): readBack(rule, change, residual)
        case .gapSkipped: note(rule, .gapSkipped)
        }
    }

    private mutating func note(
        _ rule: Rule, _ kind: RuleOutcome.Kind, cause: RenderFailure? = nil, delivery: Int? = nil
    ) {
        result.outcomes.append(RuleOutcome(rule: rule.id, kind: kind, cause: cause, deliveryIndex: delivery))
    }

    /// A gap event whose record is read from Salesforce, and taken as the change that it stands for.
    private mutating func readBack(_ rule: Rule, _ change: ChangeKind, _ residual: IndexedRules.Residual?) {
        // Echo suppression needs no record; what remains is judged on the record.
        guard !rule.match.isIgnored(event) else { return }
        switch (change, facts.record) {
        case (_, nil): want(.record(.all))
        // The read confirms a delete. A record that vanished before it could be read was deleted since.
        case (_, .gone?) where change == .delete || rule.match.changes.contains(.delete):
            var gone = event
            gone.version = facts.version
            evaluate(rule, gone, EventRole(change: ChangeKind.delete.word, reading: .nothing))
        case (_, .gone?), (.delete, .read?), (_, .unavailable?): note(rule, .gapSkipped)
        case (_, .later(let reason)?):
            evaluation.begin(rule, EventRole(change: change.word, reading: .nothing))
            postpone(rule, reason, until: .all)
        case (_, .refused(let reason)?):
            evaluation.begin(rule, EventRole(change: change.word, reading: .nothing))
            fail(rule, "the record of a gap event could not be read: \(reason)")
        case (_, .read(let fields)?):
            var whole = event
            whole.record = KnownFields(fields)
            whole.fetched = true
            whole.version = facts.version
            evaluate(rule, whole, EventRole(change: change.word, reading: .full), residual)
        }
    }

    private mutating func want(_ want: RoutingWant) {
        if !result.wants.contains(want) { result.wants.append(want) }
    }

    // MARK: Conditions

    /// - Parameter completed: the event with fields that were read from Salesforce; nil for the event as it came.
    private mutating func evaluate(
        _ rule: Rule, _ completed: Event?, _ role: EventRole, _ residual: IndexedRules.Residual? = nil
    ) {
        if let completed { evaluation.begin(rule, completed, role) } else { evaluation.begin(rule, role) }
        let event = evaluation.event
        if residual?.needsMatch != false, !rule.match.holds(event, evaluation.changes) { return }
        let outcome = condition(rule.when, residual)
        if case .isFalse = outcome { return }
        if let needs = rule.needs, let missing = needs.fields.first(where: { !needs.isMet(by: event, role.reading, $0) }) {
            complete(rule, event, role, needs, missing, outcome)
            return
        }
        decide(rule, outcome)
    }

    private func condition(_ expression: RuleExpression?) -> CELOutcome {
        expression?.program.condition(evaluation.frame) ?? .isTrue
    }

    private func condition(_ expression: RuleExpression?, _ residual: IndexedRules.Residual?) -> CELOutcome {
        guard let residual else { return condition(expression) }
        return residual.program?.condition(evaluation.frame) ?? .isTrue
    }

    private mutating func decide(_ rule: Rule, _ outcome: CELOutcome) {
        switch outcome {
        case .isFalse: return
        case .unknown(let error): note(rule, .unknown, cause: rule.when?.failure(error))
        case .fault(let error): note(rule, .fault, cause: rule.when?.failure(error))
        case .isTrue:
            note(rule, .matched)
            render(rule)
        }
    }

    /// A field of `needs` is not told by the event.
    private mutating func complete(
        _ rule: Rule, _ event: Event, _ role: EventRole, _ needs: Rule.Needs, _ missing: FieldName,
        _ outcome: CELOutcome
    ) {
        switch (needs.missing, facts.record) {
        case (.skip, _), (.fetch, .gone?): note(rule, .needsMissing)
        // An overflow, or a wildcard ID: there is no record to read.
        case (.fetch, _) where event.recordID.isEmpty: note(rule, .needsMissing)
        case (.fail, _): fail(rule, "the rule needs '\(missing.name)', which the event does not tell")
        case (.fetch, .unavailable?):
            if case .isTrue = outcome { note(rule, .needsMissing) } else { decide(rule, outcome) }
        case (.fetch, .refused(let reason)?): fail(rule, "'\(missing.name)' could not be read: \(reason)")
        case (.fetch, nil): want(.record(needs.recordFields))
        case (.fetch, .later(let reason)?): postpone(rule, reason, until: needs.recordFields)
        case (.fetch, .read(let fields)?):
            var completed = event
            // This rule sees what it asked for, whatever others asked for beside it.
            let names = Set(needs.fields.map(\.path[0]))
            completed.record = CompletedRecord(
                told: event.record, fetched: Fields(fields.fields.filter { names.contains($0.name) }))
            completed.fetched = true
            evaluation.begin(rule, completed, role)
            let outcome = condition(rule.when)
            if let missing = needs.fields.first(where: { completed.record.field($0.path) == nil }) {
                if case .isFalse = outcome { return }
                fail(rule, "the rule needs '\(missing.name)', which Salesforce did not return when it was read")
            } else {
                decide(rule, outcome)
            }
        }
    }

    /// The record cannot be read now. Deliveries whose lane is known without it wait there; a rule with others waits whole.
    private mutating func postpone(_ rule: Rule, _ reason: String, until fields: RecordFields) {
        guard rule.mode == .live, rule.deliveries.allSatisfy(\.canWaitInLane) else { return want(.record(fields)) }
        let renderer = DeliveryRenderer(rule: rule, evaluation: evaluation)
        result.deferred += rule.deliveries.indices.map { renderer.deferred(at: $0, reason) }
    }

    private mutating func fail(_ rule: Rule, _ reason: String) {
        note(rule, .needsMissing)
        guard rule.mode == .live else { return }
        let renderer = DeliveryRenderer(rule: rule, evaluation: evaluation)
        let failure = RenderFailure(reason: reason, location: rule.location)
        result.failures += rule.deliveries.indices.map { renderer.failure(at: $0, failure) }
    }

    // MARK: Deliveries

    private mutating func render(_ rule: Rule) {
        for index in rule.deliveries.indices {
            let when = rule.deliveries[index].when
            switch condition(when) {
            case .isFalse: continue
            case .unknown(let error): note(rule, .unknown, cause: when?.failure(error), delivery: index)
            case .fault(let error): note(rule, .fault, cause: when?.failure(error), delivery: index)
            case .isTrue: render(rule, at: index)
            }
        }
    }

    private mutating func render(_ rule: Rule, at index: Int) {
        if case .flow(let spec) = rule.deliveries[index].target, case .fanOut(let fanOut) = spec.address {
            self.fanOut(fanOut, rule, at: index)
        } else {
            deliver(rule, at: index, to: nil)
        }
    }

    private mutating func deliver(_ rule: Rule, at index: Int, to flow: FlowFacts?) {
        let renderer = DeliveryRenderer(rule: rule, evaluation: evaluation)
        do throws(RenderFailure) {
            let delivery = try renderer.delivery(at: index, to: flow)
            if rule.mode == .shadow { result.shadows.append(delivery) } else { result.deliveries.append(delivery) }
        } catch {
            fail(rule, error, renderer.failure(at: index, error, flow: flow), at: index)
        }
    }

    /// A shadow rule harms nobody: its failures are counted, not kept.
    private mutating func fail(_ rule: Rule, _ cause: RenderFailure, _ failure: RoutingFailure, at index: Int) {
        if rule.mode == .shadow {
            note(rule, .fault, cause: cause, delivery: index)
        } else {
            result.failures.append(failure)
        }
    }

    /// One delivery for each flow of the user that the condition takes.
    private mutating func fanOut(_ fanOut: FanOut, _ rule: Rule, at index: Int) {
        let renderer = DeliveryRenderer(rule: rule, evaluation: evaluation)
        let location = rule.deliveries[index].location
        do throws(RenderFailure) {
            let owner = FlowOwner(
                destination: rule.deliveries[index].destination, user: try fanOut.user.render(evaluation))
            guard let all = try flows(of: owner, location) else {
                want(.flows(owner))
                return
            }
            let flows = all.filter { $0.isActive || !fanOut.activeOnly }.filter { takes($0, fanOut, rule, index) }
            guard flows.count <= fanOut.limit else {
                throw RenderFailure(
                    reason: "the user has \(flows.count) flows, more than the limit of \(fanOut.limit)",
                    location: location)
            }
            for flow in flows { deliver(rule, at: index, to: flow) }
            evaluation.set(flow: nil)
        } catch {
            fail(rule, error, renderer.failure(at: index, error), at: index)
        }
    }

    private func flows(of owner: FlowOwner, _ location: SourceLocation) throws(RenderFailure) -> [FlowFacts]? {
        switch facts.flows[owner] {
        case nil: return nil
        case .found(let flows)?: return flows
        case .refused(let reason)?:
            throw RenderFailure(reason: "the user's flows could not be listed: \(reason)", location: location)
        }
    }

    private mutating func takes(_ flow: FlowFacts, _ fanOut: FanOut, _ rule: Rule, _ index: Int) -> Bool {
        evaluation.set(flow: flow)
        switch condition(fanOut.condition) {
        case .isTrue: return true
        case .isFalse: return false
        case .unknown(let error):
            note(rule, .unknown, cause: fanOut.condition?.failure(error), delivery: index)
            return false
        case .fault(let error):
            note(rule, .fault, cause: fanOut.condition?.failure(error), delivery: index)
            return false
        }
    }
}

extension Rule.Needs {
    /// An update tells of a compound field only what changed of it; who fetches one wants it whole.
    func isMet(by event: Event, _ reading: FieldChanges.Reading, _ field: FieldName) -> Bool {
        guard let value = event.record.field(field.path) else { return false }
        guard missing == .fetch, reading == .update, !event.fetched, field.path.count == 1, case .record = value else {
            return true
        }
        return event.record.isWhole(field.name)
    }

    /// What is read of the record, in alphabetical order.
    fileprivate var recordFields: RecordFields { .some(fields.map(\.path[0]).sorted()) }
}

extension DeliverySpec {
    /// One request, in the lane of the event's record and of one flow: known before anything of the record is.
    fileprivate var canWaitInLane: Bool {
        guard lane == nil, coalesce == nil else { return false }
        return switch target {
        case .run: false
        case .flow(let flow): if case .flow(let id) = flow.address { id.constant != nil } else { false }
        case .webhook, .listener: true
        }
    }
}
