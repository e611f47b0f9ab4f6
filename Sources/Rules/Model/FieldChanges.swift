import Events

/// What `changed` and `cleared` mean for one event.
struct FieldChanges {
    let event: Event
    let kind: ChangeKind
    let isGap: Bool

    /// Salesforce sets these with every change.
    static let auditFields: Set<String> = ["LastModifiedDate", "LastModifiedById"]

    func isChanged(_ field: FieldName) -> Bool {
        guard !isGap, let header = event.header else { return false }
        switch kind {
        case .update:
            return header.changedFields.contains(where: field.covers)
                || header.nulledFields.contains(where: field.covers) || header.diffFields.contains(where: field.covers)
        case .create, .undelete: return field.hasValue(in: event.record)
        default: return false
        }
    }

    func isCleared(_ field: FieldName) -> Bool {
        guard !isGap, kind == .update, let header = event.header else { return false }
        return header.nulledFields.contains(where: field.covers)
    }

    func satisfy(_ condition: MatchBlock.Changed) -> Bool {
        if let any = condition.any, !any.contains(where: isChanged) { return false }
        if let all = condition.all, !all.allSatisfy(isChanged) { return false }
        if let none = condition.none, none.contains(where: isChanged) { return false }
        if let only = condition.only, !hasChangedNothing(but: only) { return false }
        return true
    }

    private func hasChangedNothing(but only: [FieldName]) -> Bool {
        guard !isGap, let header = event.header else { return false }
        func isAllowed(_ name: String) -> Bool {
            Self.auditFields.contains(name) || only.contains { $0.covers(name) }
        }
        switch kind {
        case .update:
            return header.changedFields.allSatisfy(isAllowed) && header.nulledFields.allSatisfy(isAllowed)
                && header.diffFields.allSatisfy(isAllowed)
        case .create, .undelete:
            return leaves(of: event.record.known(), below: "").allSatisfy(isAllowed)
        default: return false
        }
    }

    /// Dotted names of everything that has a value. Compounds are two levels deep; a record's values never nest further
    /// than its schema does.
    private func leaves(of fields: Fields, below prefix: String) -> [String] {
        fields.fields.flatMap { field -> [String] in
            switch field.value {
            case .null: []
            case .record(let inner): leaves(of: inner, below: prefix + field.name + ".")
            default: [prefix + field.name]
            }
        }
    }
}
