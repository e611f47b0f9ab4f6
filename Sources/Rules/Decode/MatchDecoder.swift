import Documents
import Events

/// `match` → `MatchBlock`, with everything that makes it impossible or surely unmeant.
struct MatchDecoder {
    let entry: YAMLNode.Entry
    let findings: FindingList
    /// Aliases of `sluice.yaml`; nil where that is not known.
    let knownOrgs: [String]?

    private var node: YAMLNode { entry.value }

    /// - Returns: nil where it is not known what the rule is about.
    func decode() -> MatchBlock? {
        guard node.isMap else { return nil }
        let subject = subject()
        var match = MatchBlock(subject: subject ?? .anyEntity, changes: subject.map(changes) ?? [])
        match.changed = changed()
        match.cleared = node.fieldNames("cleared") ?? []
        match.orgs = orgs()
        match.topics = topics()
        match.ignoredClients = node["ignore"]?.texts("clients") ?? []
        match.ignoredUsers = ignoredUsers()
        guard subject != nil else { return nil }
        checkTopics(match)
        checkPlatform(match)
        checkPossible(match)
        return match
    }

    private func subject() -> MatchBlock.Subject? {
        switch (node.entry("entity"), node.entry("event")) {
        case (let entity?, let event?):
            let second = max(entity.keyPosition, event.keyPosition) == entity.keyPosition ? entity : event
            findings.report(
                .bothGiven, at: second, "'entity' and 'event' cannot both be given", hint: "write two rules")
            return nil
        case (nil, nil) where ["entity", "event"].contains { RuleKeys.match.isMisspelt($0, in: node) }: return nil
        case (nil, nil):
            findings.report(.missingKey, at: entry, "match needs 'entity' or 'event'")
            return nil
        case (nil, _?): return .events(node.texts("event"))
        case (let entity?, nil):
            let names = node.texts("entity")
            for name in names {
                guard let object = EntityTopic.entity(ofChangeEvent: name) else { continue }
                findings.report(
                    .neverTrue, at: entity.value, "'\(name.shortened)' names a topic; events name the object",
                    hint: "write \(object)")
            }
            let events = names.filter { $0.hasSuffix("__e") }
            let isAlone = events.count == names.count
            for name in events { refuseEvent(name, at: entity.value, isAlone: isAlone) }
            // Then the other keys may be right, or may go with it.
            if isAlone, !events.isEmpty { return nil }
            guard names.contains("*") else { return .entities(names) }
            if names.count > 1 {
                findings.report(.badValue, at: entity.value, "'*' stands alone: it is every object already")
            }
            return .anyEntity
        }
    }

    private func refuseEvent(_ name: String, at place: YAMLNode, isAlone: Bool) {
        // What an event rule cannot have either is told with it.
        let others = ["change", "changed", "cleared", "ignore"].filter { node.entry($0) != nil }.map { "'\($0)'" }
        let without = others.isEmpty ? "" : ", without \(others.joined(separator: " and "))"
        findings.report(
            .neverTrue, at: place, "'\(name.shortened)' is a platform event, and has no change events",
            hint: "write event: \(name.shortened)\(isAlone ? without : " in a rule of its own")")
    }

    private func changes(_ subject: MatchBlock.Subject) -> Set<ChangeKind> {
        if case .events = subject { return [.platform] }
        guard node.entry("change") != nil else {
            guard !RuleKeys.match.isMisspelt("change", in: node) else { return [] }
            findings.report(
                .missingKey, at: entry, "match needs 'change' when it has 'entity'",
                hint: "write change: [create, update, delete, undelete], or those of them that are meant")
            return []
        }
        return node.texts("change").reduce(into: []) { $0.formUnion(ChangeKind.kinds(named: $1)) }
    }

    private func orgs() -> [String] {
        guard let knownOrgs else { return node.texts("org") }
        for element in node["org"]?.elements ?? [] {
            guard let alias = element.scalar?.text, !knownOrgs.contains(alias) else { continue }
            findings.report(
                .unknownOrg, at: element, "no org has the alias '\(alias.shortened)'",
                hint: Suggestion.hint(for: alias, in: knownOrgs))
        }
        return node.texts("org")
    }

    private func topics() -> [MatchBlock.TopicPattern] {
        for element in node["topic"]?.elements ?? [] {
            guard let topic = element.scalar?.text, !topic.hasPrefix("/") || topic.dropLast().contains("*") else {
                continue
            }
            findings.report(
                .badValue, at: element, "'\(topic.shortened)' is not a topic",
                hint: "write /data/AccountChangeEvent, or a prefix such as /data/*")
        }
        return node.texts("topic").map(MatchBlock.TopicPattern.init)
    }

    /// At least one of the topics can carry what the rule is about.
    private func checkTopics(_ match: MatchBlock) {
        guard let first = node["topic"]?.elements.first, !match.topics.isEmpty,
            match.topics.allSatisfy({ $0.text.hasPrefix("/") && !$0.canCarry(match.subject) })
        else { return }
        let wanted =
            switch match.subject {
            case .events(let names): names.first.map { "/event/\($0)" }
            case .entities(let names): names.first.map(EntityTopic.single)
            case .anyEntity: "/data/ChangeEvents"
            }
        findings.report(
            .neverTrue, at: first, "this topic never carries what the rule is about, so this never matches",
            hint: wanted.map { "write \($0), or leave 'topic' out" })
    }

    private func ignoredUsers() -> [String] {
        for element in node["ignore"]?["users"]?.elements ?? [] {
            guard let id = element.scalar?.text else { continue }
            if SalesforceID.long(id) == nil {
                findings.report(.badValue, at: element, "'\(id.shortened)' is not the id of a user")
            } else if SalesforceID.contradictsItself(id) {
                findings.report(
                    .badValue, at: element, "'\(id)' is not the id of a user: its last three characters do not fit the rest",
                    hint: "of \(id.prefix(15)) it would be \(SalesforceID.long(String(id.prefix(15))) ?? "another one")")
            } else if id.utf8.count == 15 {
                findings.report(
                    .shortID, .warning, at: element, "'\(id)' is the short form of an id",
                    hint: SalesforceID.long(id).map { "write \($0)" },
                    fix: SalesforceID.long(id).flatMap {
                        Fix(replacing: id, with: $0, at: element.position, in: element.source)
                    })
            }
        }
        return node["ignore"]?.texts("users") ?? []
    }

    // MARK: changed

    private func changed() -> MatchBlock.Changed? {
        guard let entry = node.entry("changed") else { return nil }
        let value = entry.value
        guard value.isMap else {
            let fields = node.fieldNames("changed") ?? []
            if value.isList, value.elements.isEmpty { emptyAny(value) }
            warnAlwaysChanged(value)
            return MatchBlock.Changed(any: fields)
        }
        guard !value.entries.isEmpty else {
            findings.report(.missingKey, at: entry, "changed needs one of 'any', 'all', 'none', 'only'")
            return nil
        }
        let condition = MatchBlock.Changed(
            any: value.fieldNames("any"), all: value.fieldNames("all"), none: value.fieldNames("none"),
            only: value.fieldNames("only"))
        if let any = value["any"], any.isList, any.elements.isEmpty { emptyAny(any) }
        for list in [value["any"], value["all"]].compactMap({ $0 }) { warnAlwaysChanged(list) }
        checkContradiction(value, condition)
        return condition
    }

    private func emptyAny(_ node: YAMLNode) {
        findings.report(.neverTrue, at: node, "no field can be any of an empty list, so this never matches")
    }

    private func warnAlwaysChanged(_ node: YAMLNode) {
        for element in node.elements {
            guard let name = element.scalar?.text, name == "SystemModstamp" || FieldChanges.auditFields.contains(name)
            else { continue }
            findings.report(
                .alwaysChanged, .warning, at: element, "'\(name)' changes with every update",
                hint: "name the fields that matter")
        }
    }

    /// A field that must and must not have changed.
    private func checkContradiction(_ node: YAMLNode, _ condition: MatchBlock.Changed) {
        if let any = condition.any, !any.isEmpty, let entry = node.entry("any") {
            if let none = condition.none, any.allSatisfy({ one in none.contains { $0.covers(one.name) } }) {
                findings.report(
                    .neverTrue, at: entry, "every field under 'any' is also under 'none', so this never matches")
            } else if let only = condition.only, any.allSatisfy({ !Self.mayChange($0.name, only) }) {
                findings.report(.neverTrue, at: entry, "no field under 'any' is under 'only', so this never matches")
            }
        }
        for element in node["all"]?.elements ?? [] {
            guard let name = element.scalar?.text else { continue }
            if condition.none?.contains(where: { $0.covers(name) }) == true {
                findings.report(
                    .neverTrue, at: element, "'\(name.shortened)' is also under 'none', so this never matches")
            } else if let only = condition.only, !Self.mayChange(name, only) {
                findings.report(
                    .neverTrue, at: element, "'\(name.shortened)' is not under 'only', so this never matches")
            }
        }
    }

    private static func mayChange(_ name: String, _ only: [FieldName]) -> Bool {
        FieldChanges.auditFields.contains(name)
            || only.contains { $0.covers(name) || FieldName(name).covers($0.name) }
    }

    // MARK: Impossible combinations

    private func checkPlatform(_ match: MatchBlock) {
        guard match.isPlatform else { return }
        for key in ["change", "ignore"] {
            guard let entry = node.entry(key) else { continue }
            findings.report(
                .bothGiven, at: entry, "'event' and '\(key)' cannot both be given",
                hint: "platform events have no change header")
        }
        for key in ["changed", "cleared"] {
            guard let entry = node.entry(key) else { continue }
            findings.report(
                .neverTrue, at: entry, "platform events do not tell which fields changed, so this never matches")
        }
    }

    private func checkPossible(_ match: MatchBlock) {
        guard !match.isPlatform, !match.changes.isEmpty else { return }
        if let entry = node.entry("changed"), match.changes.isDisjoint(with: [.create, .update, .undelete]),
            match.changed?.any != nil || match.changed?.all != nil || match.changed?.only != nil
        {
            findings.report(
                .neverTrue, at: entry, "no field counts as changed in the kinds of change given, so this never matches",
                hint: "'changed' needs create, update or undelete")
        }
        if let entry = node.entry("cleared"), !match.changes.contains(.update) {
            findings.report(
                .neverTrue, at: entry, "only an update clears fields, so this never matches",
                hint: "add update to 'change'")
        }
    }
}
