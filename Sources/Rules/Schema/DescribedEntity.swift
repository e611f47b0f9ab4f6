import CEL
import Events

/// A describe answer of the REST API (`sobjects/<name>/describe`) → the fields that rules see: components of compound
/// fields stand below them, under the names that events give them.
enum DescribedEntity {
    static func read(_ bytes: [UInt8], path: String) throws(OrgSchemaError) -> EntitySchema {
        let value: Value
        do throws(JSONError) {
            value = try JSONReader.parse(bytes)
        } catch {
            throw OrgSchemaError(path: path, reason: "it is not JSON (\(error))")
        }
        guard case .record(let root) = value, let name = root.text("name"), case .list(let list)? = root["fields"]
        else {
            throw OrgSchemaError(path: path, reason: "it is not a describe answer with 'name' and 'fields'")
        }
        let described = list.compactMap { value -> Fields? in
            if case .record(let field) = value { field } else { nil }
        }
        return EntitySchema(name: name, fields: fields(described))
    }

    private static func fields(_ described: [Fields]) -> [FieldSchema] {
        var components: [String: [FieldSchema]] = [:]
        var top: [FieldSchema] = []
        for field in described {
            guard let name = field.text("name") else { continue }
            guard let compound = field.text("compoundFieldName"), compound != name else {
                top.append(schema(field, name))
                continue
            }
            components[compound, default: []].append(schema(field, component(name, of: compound)))
        }
        return top.map { field in
            guard let parts = components.removeValue(forKey: field.name) else { return field }
            var field = field
            field.components = parts
            field.type = .dyn
            return field
        }
    }

    /// `BillingCity` of `BillingAddress` → `City`; `Place__Latitude__s` of `Place__c` → `Latitude`.
    static func component(_ name: String, of compound: String) -> String {
        if compound.hasSuffix("__c"), name.hasSuffix("__s") {
            return String(name.dropFirst(compound.count - 1).dropLast(3))
        }
        let prefix = compound.hasSuffix("Address") ? String(compound.dropLast("Address".count)) : ""
        return !prefix.isEmpty && name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
    }

    private static func schema(_ field: Fields, _ name: String) -> FieldSchema {
        let kind = field.text("type") ?? ""
        var schema = FieldSchema(name, celType(kind))
        schema.mayBeNull = field.flag("nillable") ?? true
        schema.isDescribed = true
        if case .list(let targets)? = field["referenceTo"] {
            schema.referenceTo = targets.compactMap { if case .string(let name) = $0 { name } else { nil } }
        }
        if kind == "picklist", case .list(let values)? = field["picklistValues"], !values.isEmpty {
            schema.picklist = values.compactMap { value in
                guard case .record(let entry) = value, entry.flag("active") != false else { return nil }
                return entry.text("value")
            }
            schema.isRestricted = field.flag("restrictedPicklist") ?? false
        }
        return schema
    }

    /// As the same field is typed in events.
    private static func celType(_ kind: String) -> CELType {
        switch kind {
        case "boolean": .bool
        case "int", "long": .int
        case "double", "currency", "percent": .double
        case "datetime": .timestamp
        case "anyType", "address", "location", "complexvalue", "": .dyn
        default: .string
        }
    }
}
