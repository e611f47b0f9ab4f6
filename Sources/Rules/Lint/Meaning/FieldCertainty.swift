import CEL
import Documents

/// Fields written without `.?` although the events of the rule need not tell them.
struct FieldCertainty {
    let rule: Rule
    let node: YAMLNode
    let uses: ExpressionUses
    let source: SourceText
    let findings: FindingList

    func check() {
        guard !rule.match.isPlatform, !isFull else { return }
        let conditions = uses.uses.filter { $0.place == .when }
        var reported: Set<String> = []
        for use in uses.uses where isAboutCondition(use.place) {
            let beside = if case .letValue = use.place { known(after: conditions) } else { Set<String>() }
            report(use, known: certain.union(beside), &reported)
        }
        let afterWhen = certain.union(known(after: conditions))
        let own = Dictionary(grouping: uses.uses.filter { $0.place == .deliveryWhen }, by: delivery)
            .mapValues { afterWhen.union(known(after: $0)) }
        for use in uses.uses where !isAboutCondition(use.place) && use.place != .flowCondition {
            let known = use.place == .deliveryWhen ? afterWhen : own[delivery(of: use)] ?? afterWhen
            report(use, known: known, &reported)
        }
    }

    /// Every field is known in a create, an undelete, and what is read back after a gap.
    private var isFull: Bool { rule.match.changes.isSubset(of: [.create, .undelete]) && rule.onGap != .deliver }

    private var isDelete: Bool { rule.match.changes == [.delete] }

    private func isAboutCondition(_ place: ExpressionPlace) -> Bool {
        switch place {
        case .when, .letValue: true
        default: false
        }
    }

    /// What `needs` and `changed` see to.
    private var certain: Set<String> {
        var fields = Set(rule.needs?.fields.map(\.name) ?? [])
        guard rule.match.changes.isSubset(of: [.create, .update, .undelete]), let changed = rule.match.changed
        else { return fields }
        fields.formUnion((changed.all ?? []).map(\.name))
        if let any = changed.any, any.count == 1 { fields.insert(any[0].name) }
        return fields
    }

    private func known(after uses: [ExpressionUses.Use]) -> Set<String> {
        uses.reduce(into: []) { $0.formUnion(FieldGuards().known(after: $1.tree.root, true)) }
    }

    /// The position of the delivery that an expression stands in.
    private func delivery(of use: ExpressionUses.Use) -> Int? {
        let place = use.source.position(at: 0)
        return node["to"]?.elements.lastIndex { $0.position <= place }
    }

    /// Each field once for a rule: where it is needed first.
    private func report(_ use: ExpressionUses.Use, known: Set<String>, _ reported: inout Set<String>) {
        let reporter = DiagnosisReporter(text: use.source, source: source, findings: findings)
        for field in AbsentFields(in: use.tree.root, known: known).fields
        where reported.insert(field.path).inserted {
            reporter.report(diagnosis(field, isCondition: isAboutCondition(use.place) || use.place == .deliveryWhen))
        }
    }

    private func diagnosis(_ field: AbsentFields.Field, isCondition: Bool) -> Diagnosis {
        let name = "record.\(field.path)"
        if isDelete {
            return Diagnosis(
                .deleteHasNoFields, .warning, at: field.range,
                isCondition
                    ? "a delete tells no fields, so '\(name)' leaves the condition unknown"
                    : "a delete tells no fields, so '\(name)' fails the delivery",
                hint: isCondition
                    ? "leave it out, or have the channel enriched with the field"
                    : "write .?, which leaves the key out, or have the channel enriched with the field")
        }
        guard isCondition else {
            return Diagnosis(
                .absentInBody, .warning, at: field.range,
                "'\(name)' fails the delivery when the event does not tell the field",
                hint: "write .?, list the field under 'needs' or alone under 'changed', or enrich the channel")
        }
        return Diagnosis(
            .absentField, .warning, at: field.range,
            "'\(name)' leaves the condition unknown when the event does not tell the field",
            hint: "add changed('\(field.path)') &&, write .? with orDefault(...), list it under 'needs', "
                + "or enrich the channel")
    }
}
