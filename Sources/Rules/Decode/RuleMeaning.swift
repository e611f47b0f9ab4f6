import Documents

/// Warnings about one rule as a whole: it is well-formed, but may not do what it looks like.
struct RuleMeaning {
    let rule: Rule
    let node: YAMLNode
    let uses: TemplateUses
    let file: FileContext

    func check() {
        checkFields()
        checkEcho()
    }

    /// Fields written without `.?` that an event need not tell.
    private func checkFields() {
        guard !rule.match.isPlatform else { return }
        let full: Set<ChangeKind> = [.create, .undelete]
        let isFull = rule.match.changes.isSubset(of: full) && rule.onGap != .deliver
        let isDelete = rule.match.changes == [.delete]
        guard !isFull else { return }
        for field in uses.requiredFields where !isKnown(field.path) {
            if isDelete {
                report(
                    .deleteHasNoFields, field, "a delete tells no fields, so 'record.\(field.path)' fails the delivery",
                    hint: "write .?, which leaves the key out, or have the channel enriched with the field")
            } else {
                report(
                    .absentInBody, field,
                    "'record.\(field.path)' fails the delivery when the event does not tell the field",
                    hint: "write .?, list the field under 'needs' or alone under 'changed', or enrich the channel")
            }
        }
    }

    /// Whether `needs` or `changed` sees to it that the field is there.
    private func isKnown(_ path: String) -> Bool {
        if let needs = rule.needs, needs.fields.contains(where: { $0.name == path || FieldName(path).covers($0.name) })
        {
            return true
        }
        guard rule.match.changes.isSubset(of: [.create, .update, .undelete]), let changed = rule.match.changed
        else { return false }
        let certain = (changed.all ?? []) + (changed.any?.count == 1 ? changed.any ?? [] : [])
        return certain.contains { $0.name == path || FieldName(path).covers($0.name) }
    }

    private func report(_ code: FindingCode, _ field: TemplateUses.Field, _ message: String, hint: String) {
        file.findings.report(
            code, .warning, in: file.source, at: field.position, length: field.length, message, hint: hint)
    }

    /// What a flow writes back to Salesforce comes round again.
    private func checkEcho() {
        guard let match = node.entry("match"), !rule.match.isPlatform, match.value.entry("ignore") == nil,
            rule.match.changes != [.delete]
        else { return }
        let kinds = rule.deliveries.compactMap { file.destinations.byName[$0.destination]?.kind }
        guard kinds.contains(.flowmate) || kinds.contains(.integrator) else { return }
        file.findings.report(
            .echo, .warning, at: match, "what the flow writes back to Salesforce will match this rule again",
            hint: "add ignore: {clients: [...]} with the flow's API client, or ignore: {} to say that it writes nothing"
        )
    }
}
