import Events

/// The `match` of a rule: which events it is about, by their header.
struct MatchBlock: Sendable {
    enum Subject: Sendable, Equatable {
        case anyEntity
        case entities([String])
        case events([String])
    }

    var subject: Subject
    /// `[.platform]` for platform events.
    var changes: Set<ChangeKind>
    var changed: Changed?
    /// Any of them; empty means no condition.
    var cleared: [FieldName] = []
    /// Aliases; empty means all.
    var orgs: [String] = []
    var topics: [TopicPattern] = []
    var ignoredClients: [String] = []
    var ignoredUsers: [String] = []

    struct Changed: Sendable {
        var any: [FieldName]?
        var all: [FieldName]?
        var none: [FieldName]?
        var only: [FieldName]?
    }

    struct TopicPattern: Sendable {
        var text: String
        var isPrefix: Bool

        init(_ text: String) {
            isPrefix = text.hasSuffix("*")
            self.text = isPrefix ? String(text.dropLast()) : text
        }

        func matches(_ topic: String) -> Bool { isPrefix ? topic.hasPrefix(text) : topic == text }
    }

    var isPlatform: Bool {
        if case .events = subject { true } else { false }
    }
}

extension MatchBlock {
    /// Org and topic: whether the event is any business of the rule.
    func concerns(_ event: Event) -> Bool {
        (orgs.isEmpty || orgs.contains(event.org.alias))
            && (topics.isEmpty || topics.contains { $0.matches(event.topic) })
    }

    /// The conditions beyond entity, change, org and topic.
    ///
    /// - Parameter isGap: the event tells no fields, so that nothing counts as changed or cleared.
    func holds(_ event: Event, _ kind: ChangeKind, isGap: Bool) -> Bool {
        if isIgnored(event) { return false }
        let changes = FieldChanges(event: event, kind: kind, isGap: isGap)
        if let changed, !changes.satisfy(changed) { return false }
        return cleared.isEmpty || cleared.contains(where: changes.isCleared)
    }

    private func isIgnored(_ event: Event) -> Bool {
        guard let header = event.header else { return false }
        if !ignoredUsers.isEmpty, !header.commitUser.isEmpty,
            ignoredUsers.contains(where: { SalesforceID.isSame($0, header.commitUser) })
        {
            return true
        }
        guard !ignoredClients.isEmpty, let client = Self.client(ofOrigin: header.changeOrigin) else { return false }
        return ignoredClients.contains { $0 == client }
    }

    /// `com/salesforce/api/soap/66.0;client=SfdcInternalAPI/` → `SfdcInternalAPI`
    static func client(ofOrigin origin: String) -> Substring? {
        for part in origin.split(separator: ";") where part.hasPrefix("client=") {
            let client = part.dropFirst("client=".count)
            return client.hasSuffix("/") ? client.dropLast() : client
        }
        return nil
    }
}

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
