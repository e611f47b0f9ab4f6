import Events

/// How a rule takes an event: as what it is, or, with a gap event, as the change it stands for.
struct EventRole {
    /// `event.change`
    var change: String
    var reading: FieldChanges.Reading
}

/// What `changed` and `cleared` mean for one event.
struct FieldChanges {
    enum Reading {
        /// The header's lists count.
        case update
        /// Every field that has a value counts as changed: create, undelete, a gap that was read back.
        case full
        /// Nothing counts as changed: delete, gap, overflow, platform event.
        case nothing
    }

    let event: Event
    let reading: Reading

    /// Salesforce sets these with every change.
    static let auditFields: Set<String> = ["LastModifiedDate", "LastModifiedById"]

    func isChanged(_ field: FieldName) -> Bool {
        switch reading {
        case .update:
            guard let header = event.header else { return false }
            return header.changedFields.contains(where: field.covers)
                || header.nulledFields.contains(where: field.covers) || header.diffFields.contains(where: field.covers)
        case .full: return field.hasValue(in: event.record)
        case .nothing: return false
        }
    }

    func isCleared(_ field: FieldName) -> Bool {
        guard reading == .update, let header = event.header else { return false }
        return header.nulledFields.contains(where: field.isEmptied)
    }

    func satisfy(_ condition: MatchBlock.Changed) -> Bool {
        if let any = condition.any, !any.contains(where: isChanged) { return false }
        if let all = condition.all, !all.allSatisfy(isChanged) { return false }
        if let none = condition.none, none.contains(where: isChanged) { return false }
        if let only = condition.only, !hasChangedNothing(but: only) { return false }
        return true
    }

    private func hasChangedNothing(but only: [FieldName]) -> Bool {
        func isAllowed(_ name: String) -> Bool {
            Self.auditFields.contains(name) || only.contains { $0.covers(name) }
        }
        switch reading {
        case .update:
            guard let header = event.header else { return false }
            return header.changedFields.allSatisfy(isAllowed) && header.nulledFields.allSatisfy(isAllowed)
                && header.diffFields.allSatisfy(isAllowed)
        case .full: return leaves(of: event.record.known(), below: "").allSatisfy(isAllowed)
        case .nothing: return false
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
