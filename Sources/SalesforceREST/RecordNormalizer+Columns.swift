import Events

/// Bulk API 2.0 knows no compound fields, and every value is text.
extension RecordNormalizer {
    /// What to ask it for: the components of compounds in their place.
    package var columns: [String] {
        let names = parts.flatMap { part in
            part.columns.isEmpty ? [part.field.name] : part.columns.map(\.name)
        }
        return names.contains("Id") ? names : ["Id"] + names
    }

    /// A row as a change event would have it.
    package func normalized(columns: [String], row: [String]) -> Fields {
        var cells: [String: String] = [:]
        for (name, text) in zip(columns, row) { cells[name] = text }
        var record = Fields()
        for part in parts {
            if part.columns.isEmpty {
                guard let text = cells[part.field.name] else { continue }
                record.append(part.field.name, Self.value(text, part.field.type))
            } else {
                record.append(part.field.name, Self.compound(part, cells))
            }
        }
        return record
    }

    private static func compound(_ part: Part, _ cells: [String: String]) -> Value {
        let isPerson = !isObject(part.field)
        if isPerson, part.components.allSatisfy({ cells[$0.name]?.isEmpty ?? true }) {
            return value(cells[part.field.name] ?? "", "string")
        }
        let components = part.components.map { component in
            Fields.Field(
                name: isPerson ? component.name : key(component.name, of: part.field.name),
                value: value(cells[component.name] ?? "", component.type))
        }
        if !isPerson, components.allSatisfy({ $0.value == .null }) { return .null }
        return isPerson ? .record(Fields(components)) : normalized(.record(Fields(components)), part.field.type)
    }

    /// `Street` of `BillingStreet` in `BillingAddress`; `Latitude` of `Site__Latitude__s` in `Site__c`.
    static func key(_ component: String, of compound: String) -> String {
        var name = Substring(component)
        if compound.hasSuffix("__c"), name.hasSuffix("__s") {
            name = name.dropLast(3).dropFirst(compound.count - 1)
        } else if compound.hasSuffix("Address"), name.hasPrefix(compound.dropLast(7)) {
            name = name.dropFirst(compound.count - 7)
        }
        return String(name)
    }

    /// Salesforce knows no empty text: an empty cell is null.
    static func value(_ text: String, _ type: String) -> Value {
        guard !text.isEmpty else { return .null }
        switch type {
        case "boolean": return .bool(text == "true")
        case "int", "long": return Int64(text).map(Value.int) ?? .string(text)
        case "double", "currency", "percent": return Double(text).map(Value.double) ?? .string(text)
        default: return normalized(.string(text), type)
        }
    }
}
