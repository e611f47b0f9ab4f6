import Avro
import ChangeEvents
import Documents
import Events

/// Turns the values of a test file into what Salesforce would have delivered: by the schema where there is one, else by
/// how they are written.
struct FieldTyping: Sendable {
    /// By the record name: `OpportunityChangeEvent`, `Order_Ready__e`.
    private var schemas: [String: EventSchema] = [:]

    mutating func add(_ schema: EventSchema) { schemas[schema.name] = schema }

    /// - Parameter entity: the object or the platform event.
    func schema(of entity: String) -> EventSchema? { schemas[entity] ?? schemas[EntityTopic.changeEvent(of: entity)] }

    /// Values of a YAML map, dotted names as components of compounds.
    ///
    /// - Throws: `Problem` at the value that cannot be one of its field.
    func fields(_ node: YAMLNode, of entity: String) throws(Problem) -> Fields {
        guard node.isMap || node.isNull else { throw Problem(node: node, message: "fields are written as a map") }
        let record = schema(of: entity).flatMap { schema in
            schema.schema.rootRecord.map { Scope(schema: schema.schema, fields: $0.fields, name: entity) }
        }
        return try Self.fields(node, in: record)
    }

    /// All fields of the record by the schema, in its order; nil without one.
    func fieldNames(of entity: String) -> [String]? {
        schema(of: entity)?.schema.rootRecord?.fields.map(\.name).filter { !Self.hidden.contains($0) }
    }

    struct Problem: Error {
        var node: YAMLNode
        var message: String
        var hint: String?
    }

    private static let hidden: Set = ["ChangeEventHeader"]

    private struct Scope {
        var schema: Schema
        var fields: [Schema.Field]
        var name: String
    }

    private static func fields(_ node: YAMLNode, in scope: Scope?) throws(Problem) -> Fields {
        var fields = Fields()
        for entry in node.entries {
            let parts = entry.key.split(separator: ".", maxSplits: 1).map(String.init)
            guard let name = parts.first else { throw Problem(node: entry.value, message: "a field needs a name") }
            let field = try self.field(name, entry.value, in: scope)
            if parts.count == 1 {
                fields[name] = try value(entry.value, field, in: scope, name)
            } else {
                var inner = Fields()
                if case .record(let known)? = fields[name] { inner = known }
                let innerScope = compound(field, in: scope, name)
                let component = try self.field(parts[1], entry.value, in: innerScope)
                inner[parts[1]] = try value(entry.value, component, in: innerScope, parts[1])
                fields[name] = .record(inner)
            }
        }
        return fields
    }

    private static func field(_ name: String, _ node: YAMLNode, in scope: Scope?) throws(Problem) -> Schema.Field? {
        guard let scope else { return nil }
        if let field = scope.fields.first(where: { $0.name == name }) { return field }
        throw Problem(
            node: node, message: "\(scope.name) has no field '\(name.shortened)' in its schema",
            hint: Suggestion.hint(for: name, in: scope.fields.map(\.name).filter { !hidden.contains($0) }))
    }

    private static func compound(_ field: Schema.Field?, in scope: Scope?, _ name: String) -> Scope? {
        guard let field, let scope else { return nil }
        for type in branches(field.type, in: scope.schema) {
            if case .record(let record) = scope.schema[type] {
                return Scope(schema: scope.schema, fields: record.fields, name: name)
            }
        }
        return nil
    }

    private static func branches(_ type: Schema.TypeID, in schema: Schema) -> [Schema.TypeID] {
        if case .union(let branches) = schema[type] { branches } else { [type] }
    }

    private static func value(
        _ node: YAMLNode, _ field: Schema.Field?, in scope: Scope?, _ name: String
    ) throws(Problem) -> Value {
        switch node.content {
        case .map: return .record(try fields(node, in: compound(field, in: scope, name)))
        case .list(let elements):
            var values: [Value] = []
            for element in elements { values.append(try value(element, nil, in: nil, name)) }
            return .list(values)
        case .broken: return .null
        case .scalar:
            guard !node.isNull else { return .null }
            guard let field, let scope else { return try untyped(node) }
            return try typed(node, field, scope.schema)
        }
    }

    /// Without a schema: plain numbers are doubles, as nearly all numbers of Salesforce are; a plain RFC 3339 time is a
    /// time.
    private static func untyped(_ node: YAMLNode) throws(Problem) -> Value {
        guard let value = node.constant else {
            throw Problem(node: node, message: "this number is too large to be exact", hint: "put it in quotes")
        }
        switch value {
        case .int(let number): return .double(Double(number))
        case .string(let text) where node.scalar?.style == .plain:
            return Timestamp.milliseconds(rfc3339: text).map(Value.timestamp) ?? value
        default: return value
        }
    }

    private static func typed(_ node: YAMLNode, _ field: Schema.Field, _ schema: Schema) throws(Problem) -> Value {
        let text = node.scalar?.text ?? ""
        let parts = field.doc.split(separator: ":", omittingEmptySubsequences: false)
        switch parts.count > 1 ? parts[1] : "" {
        case "DateTime":
            guard let time = Timestamp.milliseconds(rfc3339: text) else {
                throw Problem(
                    node: node, message: "'\(field.name)' is a date and time", hint: "write 2026-01-31T12:00:00Z")
            }
            return .timestamp(time)
        case "DateOnly", "TimeOnly": return .string(text)
        default: break
        }
        for type in branches(field.type, in: schema) {
            guard case .primitive(let primitive) = schema[type] else { continue }
            if let value = scalar(node, text, primitive) { return value }
        }
        let types = branches(field.type, in: schema).map { words(schema[$0]) }.joined(separator: " or ")
        throw Problem(
            node: node, message: "\(node.kindInWords) is no value of '\(field.name)'",
            hint: "by its schema it is \(types)")
    }

    private static func scalar(_ node: YAMLNode, _ text: String, _ primitive: Schema.Primitive) -> Value? {
        switch (primitive, CoreScalar(text)) {
        case (.string, _): .string(text)
        case (.boolean, .bool(let flag)): .bool(flag)
        case (.int, .int(let number)), (.long, .int(let number)): .int(number)
        case (.double, .int(let number)), (.float, .int(let number)): .double(Double(number))
        case (.double, .double(let number)), (.float, .double(let number)): .double(number)
        default: nil
        }
    }

    private static func words(_ kind: Schema.TypeKind) -> String {
        switch kind {
        case .primitive(let primitive): primitive.rawValue
        case .record: "a compound field"
        case .array: "a list"
        default: "something else"
        }
    }
}
