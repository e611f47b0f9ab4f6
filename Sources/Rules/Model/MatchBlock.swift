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

        /// Whether events of these objects can come along it. Custom channels (`__chn`) may carry anything of their kind.
        func canCarry(_ subject: Subject) -> Bool {
            let folder = if case .events = subject { "/event/" } else { "/data/" }
            guard !isPrefix else { return text.hasPrefix(folder) || folder.hasPrefix(text) }
            guard text.hasPrefix(folder) else { return false }
            return switch subject {
            case .events(let names), .entities(let names): names.contains { EntityTopic.mayBring($0, text) }
            case .anyEntity: true
            }
        }
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
    func holds(_ event: Event, _ changes: FieldChanges) -> Bool {
        if isIgnored(event) { return false }
        if let changed, !changes.satisfy(changed) { return false }
        return cleared.isEmpty || cleared.contains(where: changes.isCleared)
    }

    func isIgnored(_ event: Event) -> Bool {
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
