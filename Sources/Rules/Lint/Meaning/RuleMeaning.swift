import CEL
import Documents

/// What a rule means as a whole: it is well-formed, but may not do what it looks like.
struct RuleMeaning {
    let rule: Rule
    let node: YAMLNode
    let uses: ExpressionUses
    let file: FileContext
    /// The rule's objects, as far as a snapshot of the org knows them.
    let entities: [EntitySchema]

    private var findings: FindingList { file.findings }

    func check() {
        SchemaNames(node: node, schema: file.schema, entities: entities, findings: findings).check()
        // A condition that cannot hold is wrong enough; what its fields may be matters afterwards.
        if checkConditions() {
            FieldCertainty(rule: rule, node: node, uses: uses, source: file.source, findings: findings).check()
        }
        checkEcho()
        checkRuns()
        checkOverflow()
        checkUnusedLets()
        checkTimeDependence()
        FlowContract(node: node, schema: file.schema, file: file, uses: uses).check()
    }

    private func reporter(_ use: ExpressionUses.Use) -> DiagnosisReporter {
        DiagnosisReporter(text: use.source, source: file.source, findings: findings)
    }

    // MARK: Conditions

    /// - Returns: whether all of them can hold.
    private func checkConditions() -> Bool {
        var canHold = true
        let contradictions = Contradictions(possible: possible)
        for use in uses.uses where use.place.isCondition {
            var diagnoses = use.place == .flowCondition ? [] : contradictions.diagnoses(in: use.tree.root)
            diagnoses += impossibleChanges(use.tree.root)
            for diagnosis in diagnoses { reporter(use).report(diagnosis) }
            if !diagnoses.isEmpty { canHold = false }
        }
        return canHold
    }

    /// What some names can be at all, given the match block.
    private var possible: [String: [String]] {
        let match = rule.match
        var possible = ["event.kind": [match.isPlatform ? "platform" : "change"]]
        let changes = ChangeKind.allCases.filter(match.changes.contains).map(\.word)
        possible["event.change"] = match.isPlatform ? [""] : changes
        switch match.subject {
        case .anyEntity: break
        case .entities(let names):
            possible["event.entity"] = names
            possible["header.entityName"] = names
        case .events(let names): possible["event.entity"] = names
        }
        return possible
    }

    /// Questions about changed fields where nothing counts as changed.
    private func impossibleChanges(_ root: CELExpression) -> [Diagnosis] {
        let changes = rule.match.changes
        if rule.match.isPlatform {
            var found: [Diagnosis] = []
            root.forEachNode { node in
                guard node.arguments(ofCallTo: ["changed", "changedTo", "cleared"]) != nil else { return }
                found.append(
                    Diagnosis(
                        .neverTrue, at: node.range,
                        "platform events do not tell which fields changed, so this is never true"))
            }
            return found
        }
        return root.conjuncts.compactMap { part in
            if part.arguments(ofCallTo: ["changed", "changedTo"]) != nil,
                changes.isDisjoint(with: [.create, .update, .undelete])
            {
                return Diagnosis(
                    .neverTrue, at: part.range,
                    "no field counts as changed in the kinds of change given, so this never matches",
                    hint: "'changed' needs create, update or undelete")
            }
            if part.arguments(ofCallTo: ["cleared"]) != nil, !changes.contains(.update) {
                return Diagnosis(
                    .neverTrue, at: part.range, "only an update clears fields, so this never matches",
                    hint: "add update to 'change'")
            }
            return nil
        }
    }

    // MARK: The rest

    /// What a flow writes back to Salesforce comes round again.
    private func checkEcho() {
        guard let match = node.entry("match"), !rule.match.isPlatform, match.value.entry("ignore") == nil,
            !rule.match.changes.isDisjoint(with: [.create, .update, .undelete])
        else { return }
        let kinds = rule.deliveries.compactMap { file.destinations.byName[$0.destination]?.kind }
        guard kinds.contains(.flowmate) || kinds.contains(.integrator) else { return }
        findings.report(
            .echo, .warning, at: match, "what the flow writes back to Salesforce will match this rule again",
            hint: "add ignore: {clients: [...]} with the flow's API client, or ignore: {} to say that it writes nothing"
        )
    }

    /// An overflow is about an object, not about a record.
    private func checkOverflow() {
        guard rule.match.changes.contains(.overflow), let needs = node.entry("needs") else { return }
        findings.report(
            .notRepresentable, .warning, at: needs,
            "an overflow event names no record, so what 'needs' lists is never known of it, and it is left out",
            hint: "give overflow a rule of its own, without 'needs'")
    }

    /// The window of a run holds records that are there.
    private func checkRuns() {
        guard let match = node.entry("match"), rule.match.changes.contains(.delete) else { return }
        let isRun = rule.deliveries.contains { delivery in
            if case .run = delivery.target { delivery.when == nil } else { false }
        }
        guard isRun else { return }
        findings.report(
            .notRepresentable, .warning, at: match.value.entry("change") ?? match,
            "a flow run reads the records of a time window, and a deleted one is not among them",
            hint: "leave delete out of 'change' and send it to a listener, or let the export query deleted rows and give "
                + "the delivery a 'when'")
    }

    /// A condition that looks at the clock through a `let`. One that names `now` itself was told when it was read.
    private func checkTimeDependence() {
        var timed: Set<String> = []
        for use in uses.uses {
            var first: (name: String, range: Range<Int>)?
            var namesNow = false
            FreeNames.visit(use.tree.root) { name, _ in namesNow = namesNow || name == "now" }
            use.tree.root.forEachNode { node in
                guard first == nil, case .select(let operand, let name, _) = node.kind, operand.qualifiedName == "let",
                    timed.contains(name.text)
                else { return }
                first = (name.text, node.range)
            }
            if case .letValue(let name) = use.place, namesNow || first != nil { timed.insert(name) }
            guard use.place.isCondition, !namesNow, let first else { continue }
            reporter(use).report(
                Diagnosis(
                    .timeDependent, .warning, at: first.range,
                    "'let.\(first.name)' looks at 'now', so a replay may decide differently than the first time",
                    hint: "compare with event.time"))
        }
    }

    private func checkUnusedLets() {
        // What could not be read may be what uses it.
        guard !findings.hasErrors else { return }
        let used = uses.members(of: "let")
        for entry in node["let"]?.entries ?? [] where !used.contains(entry.key) {
            findings.report(
                .unused, .warning, at: entry, "'let.\(entry.key.shortened)' is never used", hint: "remove it")
        }
    }
}
