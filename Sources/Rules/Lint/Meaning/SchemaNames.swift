import CEL
import Documents

/// The names of objects and fields in `match` and `needs`, held against a snapshot of the org.
struct SchemaNames {
    let node: YAMLNode
    let schema: OrgSchema?
    let entities: [EntitySchema]
    let findings: FindingList

    func check() {
        guard let schema, !schema.entities.isEmpty, let match = node["match"] else { return }
        for key in ["entity", "event"] {
            for element in match[key]?.elements ?? [] { checkEntity(element, schema) }
        }
        let changed = match["changed"]
        let lists = [changed?["any"], changed?["all"], changed?["none"], changed?["only"], match["cleared"]]
        for list in lists + [changed?.isMap == true ? nil : changed, node["needs"]?["fields"]] {
            for element in list?.elements ?? [] { checkField(element) }
        }
    }

    private func checkEntity(_ element: YAMLNode, _ schema: OrgSchema) {
        guard let name = element.scalar?.text, name.isAPIName, schema.entities[name] == nil else { return }
        let names = schema.entities.keys.sorted()
        findings.report(
            .unknownEntity, at: element, "the org has no '\(name.shortened)'",
            hint: Suggestion.hint(for: name, in: names),
            fix: Suggestion.only(to: name, in: names).flatMap {
                Fix(replacing: name, with: $0, at: element.position, in: element.source)
            })
    }

    private func checkField(_ element: YAMLNode) {
        guard let name = element.scalar?.text, name.isAPIName,
            let problem = SchemaChecks(entities: entities).problem(with: name)
        else { return }
        findings.report(
            .unknownField, at: element, problem.message, hint: problem.hint,
            fix: problem.meant.flatMap { Fix(replacing: name, with: $0, at: element.position, in: element.source) })
    }
}

extension OrgSchema {
    /// Those objects of a match block that the snapshot knows; none where one is missing, since it may have any field.
    func entities(of subject: MatchBlock.Subject) -> [EntitySchema] {
        let names: [String]
        switch subject {
        case .anyEntity: return []
        case .entities(let list), .events(let list): names = list
        }
        let found = names.compactMap { entities[$0] }
        return found.count == names.count ? found : []
    }
}

extension [EntitySchema] {
    /// The types of `record`'s members; nil if nothing is known of it. A field that several objects type differently,
    /// or only some have, may be anything.
    var recordTypes: [String: CELType]? {
        guard !isEmpty else { return nil }
        var types: [String: CELType] = [:]
        for entity in self {
            for field in entity.fields {
                let type = field.checkedType
                types[field.name] = types[field.name].map { $0 == type ? type : .dyn } ?? type
            }
        }
        return types
    }
}

extension FieldSchema {
    /// Only a describe answer says which fields the org leaves empty; event schemas let all of them be null.
    var checkedType: CELType { isDescribed && mayBeNull && type != .dyn ? .nullable(type) : type }
}
