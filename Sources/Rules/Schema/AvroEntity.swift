import CEL
import Events

/// An event schema as the Pub/Sub API delivers it → the fields that rules see.
enum AvroEntity {
    static func read(_ bytes: [UInt8], path: String) throws(OrgSchemaError) -> EntitySchema {
        let value: Value
        do throws(JSONError) {
            value = try JSONReader.parse(bytes)
        } catch {
            throw OrgSchemaError(path: path, reason: "it is not JSON (\(error))")
        }
        guard case .record(let root) = value, let name = root.text("name"), case .list(let fields)? = root["fields"]
        else {
            throw OrgSchemaError(path: path, reason: "it is not an Avro record with 'name' and 'fields'")
        }
        var named: [String: Fields] = [:]
        let found = fields.compactMap { field(in: $0, &named) }.filter { $0.name != "ChangeEventHeader" }
        return EntitySchema(name: EntityTopic.entity(ofChangeEvent: name) ?? name, fields: found)
    }

    /// - Parameter named: records by name; later uses of a type give its name only.
    private static func field(in value: Value, _ named: inout [String: Fields]) -> FieldSchema? {
        guard case .record(let field) = value, let name = field.text("name"), let type = field["type"] else {
            return nil
        }
        var schema = FieldSchema(name, .dyn)
        let branches: [Value] = if case .list(let union) = type { union } else { [type] }
        schema.mayBeNull = branches.contains(.string("null"))
        let values = branches.filter { $0 != .string("null") }
        for case .record(let record) in values {
            if let name = record.text("name") { named[name] = record }
        }
        for value in values where schema.components.isEmpty { schema.components = components(of: value, named) ?? [] }
        if values.count == 1, case .string(let primitive) = values[0] {
            schema.type = celType(primitive, doc: field.text("doc") ?? "")
        }
        return schema
    }

    private static func components(of value: Value, _ named: [String: Fields]) -> [FieldSchema]? {
        let record: Fields?
        switch value {
        case .record(let own): record = own
        case .string(let name): record = named[name.split(separator: ".").last.map(String.init) ?? name]
        default: record = nil
        }
        guard case .list(let fields)? = record?["fields"] else { return nil }
        // Salesforce nests one level; a component's own components are not rules' to name.
        return fields.compactMap { value in
            guard case .record(let field) = value, let name = field.text("name") else { return nil }
            var component = FieldSchema(name, .dyn)
            if case .list(let union)? = field["type"], case .string(let primitive)? = union.last {
                component.type = celType(primitive, doc: field.text("doc") ?? "")
            }
            return component
        }
    }

    /// Only `doc` (`<role>:<type>[:<id>]`) says what a long means.
    private static func celType(_ primitive: String, doc: String) -> CELType {
        let parts = doc.split(separator: ":", omittingEmptySubsequences: false)
        let meaning = parts.count > 1 ? parts[1] : ""
        switch primitive {
        case "string": return .string
        case "boolean": return .bool
        case "double", "float": return .double
        case "int", "long":
            switch meaning {
            case "DateTime": return .timestamp
            case "DateOnly", "TimeOnly": return .string
            default: return .int
            }
        case "bytes": return .bytes
        default: return .dyn
        }
    }
}

extension Fields {
    func text(_ name: String) -> String? {
        if case .string(let text)? = self[name] { text } else { nil }
    }

    func flag(_ name: String) -> Bool? {
        if case .bool(let flag)? = self[name] { flag } else { nil }
    }
}
