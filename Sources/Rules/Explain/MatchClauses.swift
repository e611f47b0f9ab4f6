import Events

/// The keys of `match` as clauses, in the order in which they are looked at.
struct MatchClauses {
    let match: MatchBlock
    let event: Event

    typealias Clause = RuleExplanation.Clause

    var isAboutObject: Bool { subject.state == .isTrue }

    /// What the header alone decides: object, org, topic, echo.
    var header: [Clause] {
        var clauses = [subject]
        if !match.orgs.isEmpty {
            clauses.append(
                clause("match.org", match.orgs, match.orgs.contains(event.org.alias), "org.alias", .string(event.org.alias)))
        }
        if !match.topics.isEmpty {
            let texts = match.topics.map { $0.text + ($0.isPrefix ? "*" : "") }
            let holds = match.topics.contains { $0.matches(event.topic) }
            clauses.append(clause("match.topic", texts, holds, "event.topic", .string(event.topic)))
        }
        if !match.ignoredClients.isEmpty || !match.ignoredUsers.isEmpty { clauses.append(ignore) }
        return clauses
    }

    /// What the header's lists decide.
    func fields(_ changes: FieldChanges) -> [Clause] {
        var clauses: [Clause] = []
        let changed = Value.list((event.header?.changedFields ?? []).map(Value.string))
        if let condition = match.changed {
            clauses.append(
                clause(
                    "match.changed", Self.words(condition), changes.satisfy(condition), "header.changedFields", changed))
        }
        if !match.cleared.isEmpty {
            let nulled = Value.list((event.header?.nulledFields ?? []).map(Value.string))
            clauses.append(
                clause(
                    "match.cleared", match.cleared.map(\.name), match.cleared.contains(where: changes.isCleared),
                    "header.nulledFields", nulled))
        }
        return clauses
    }

    /// Whether the rule takes this kind of change.
    func change(_ kind: ChangeKind, holds: Bool) -> Clause {
        let names = ChangeKind.allCases.filter { match.changes.contains($0) }.map(\.name)
        return Clause(
            key: "match.change", text: names.joined(separator: ", "), state: holds ? .isTrue : .isFalse,
            reason: holds ? "" : "this is \(kind.name)", values: [("event.change", .json("\"\(kind.word)\""))])
    }

    /// That a gap event of a change that the rule takes is left out.
    static func gap(_ kind: ChangeKind, _ policy: Rule.GapPolicy) -> Clause {
        Clause(
            key: "onGap", text: "\(policy)", state: .isFalse,
            reason: kind == .overflow ? "an overflow names no record" : "this is \(kind.name), which tells no fields",
            values: [])
    }

    private var subject: Clause {
        let entity = Value.string(event.entity)
        switch match.subject {
        case .anyEntity:
            return clause("match.entity", ["*"], event.header != nil, "event.entity", entity)
        case .entities(let names):
            let holds = event.header != nil && names.contains(event.entity)
            return clause("match.entity", names, holds, "event.entity", entity)
        case .events(let names):
            let holds = event.header == nil && names.contains(event.entity)
            return clause("match.event", names, holds, "event.entity", entity)
        }
    }

    private var ignore: Clause {
        let origin = event.header?.changeOrigin ?? ""
        let user = event.header?.commitUser ?? ""
        let isIgnored = match.isIgnored(event)
        var clause = clause(
            "match.ignore", match.ignoredClients + match.ignoredUsers, !isIgnored, "header.changeOrigin", .string(origin))
        if isIgnored { clause.reason = "an ignored client or user made this change" }
        clause.values.append(("header.commitUser", .json("\"\(user)\"")))
        return clause
    }

    private func clause(
        _ key: String, _ texts: [String], _ holds: Bool, _ name: String, _ value: Value
    ) -> Clause {
        var json = JSONText()
        json.value(value)
        return Clause(
            key: key, text: texts.joined(separator: ", "), state: holds ? .isTrue : .isFalse, reason: "",
            values: [(name, .json(json.string))])
    }

    private static func words(_ condition: MatchBlock.Changed) -> [String] {
        var words: [String] = []
        for (key, fields) in [
            ("any", condition.any), ("all", condition.all), ("none", condition.none), ("only", condition.only),
        ] {
            guard let fields else { continue }
            words.append("\(key) of \(fields.map(\.name).joined(separator: ", "))")
        }
        return words
    }
}
