import Documents
import Events
import Rules

/// What a draft is about: the event that stands for all of its kind, and what is known of the object.
struct DraftSubject: Sendable {
    /// Fields that a body shows at most.
    static let maximumFields = 60
    /// Set by Salesforce with every change.
    static let auditFields: Set<String> = ["LastModifiedDate", "LastModifiedById", "SystemModstamp"]

    let event: Event
    let schema: EntitySchema?
    /// Nobody gave an event.
    let isMadeUp: Bool

    /// A gap or overflow event: it says that something changed, and no field.
    var isGap: Bool { event.change == "gap" || event.change == "overflow" }
    var isDelete: Bool { event.change == "delete" }
    var isPlatform: Bool { event.header == nil }

    /// Names of rules and destinations start with it: `sfy24__ProductionOrder__c` → `production-order`.
    var slug: String {
        var slug = ""
        for scalar in Self.bare(event.entity).unicodeScalars {
            let isUpper = ("A"..."Z").contains(scalar)
            if scalar == "_" || isUpper, !slug.isEmpty, slug.last != "-" { slug += "-" }
            if scalar != "_" { slug += String(scalar).lowercased() }
        }
        while slug.last == "-" { slug.removeLast() }
        guard let first = slug.first, first.isLetter else { return "x-\(slug)" }
        return String(slug.prefix(40))
    }

    /// The fields that the sample changed, without those that Salesforce sets each time.
    var changed: [String] {
        guard event.change == "update", let header = event.header else { return [] }
        var names: [String] = []
        for name in header.changedFields + header.nulledFields + header.diffFields
        where !Self.auditFields.contains(name) && !names.contains(name) { names.append(name) }
        return names
    }

    /// What the body tells of the record: changed fields first, then the others that the sample knows; without a sample
    /// those of the schema.
    var fields: [String] {
        let known = event.record.known().fields.map(\.name)
        let first = changed.map { String($0.prefix { $0 != "." }) }
        // The body has it as `id` already.
        let left = Self.auditFields.union(["Id"])
        var names: [String] = []
        for name in first + known where !left.contains(name) && !names.contains(name) { names.append(name) }
        return Array(names.prefix(Self.maximumFields))
    }

    /// One name for each field, as receivers like them; where two would be the same, the field's own.
    var keys: [(key: String, field: String)] {
        var taken: Set<String> = ["id", "change", "at"]
        return fields.map { field in
            let key = Self.key(field)
            let unique = taken.insert(key).inserted ? key : field
            taken.insert(unique)
            return (unique, field)
        }
    }

    /// `StageName` → `stageName`, `sfy24__Planned_Start__c` → `plannedStart`
    private static func key(_ field: String) -> String {
        let parts = bare(field).split(separator: "_")
        let joined = parts.enumerated().map { index, part in
            (index == 0 ? part.prefix(1).lowercased() : part.prefix(1).uppercased()) + part.dropFirst()
        }.joined()
        return joined.isEmpty ? field : joined
    }

    /// Without namespace and suffix.
    private static func bare(_ name: String) -> String {
        var parts = name.replacing("__", with: "\n").split(separator: "\n").map(String.init)
        if parts.count > 1, let last = parts.last, ["c", "e", "mdt", "x", "b", "pc", "r"].contains(last) {
            parts.removeLast()
        }
        return parts.last ?? name
    }

    /// What is known of a field's values, in a few words.
    func kind(of field: String) -> String {
        if let schema = schema?.field(field) {
            if let values = schema.picklist, !values.isEmpty {
                return "one of " + values.prefix(4).map(\.shortened).joined(separator: ", ")
                    + (values.count > 4 ? ", ..." : "")
            }
            if !schema.components.isEmpty { return "a compound" }
            if !schema.referenceTo.isEmpty { return "ID of \(schema.referenceTo.prefix(3).joined(separator: " or "))" }
            return "\(schema.type)"
        }
        switch event.record.known()[field] {
        case .bool?: return "true or false"
        case .int?, .double?: return "a number"
        case .timestamp?: return "a time"
        case .record?: return "a compound"
        case .list?: return "a list"
        case .string?, .bytes?: return "text"
        case .null?: return "empty in the sample"
        case nil: return "changed, but not told"
        }
    }
}
