import Events

/// Brings records of the REST API to the names and types that change events have, so that a rule cannot tell where a
/// field came from: times are `.timestamp`, `street` is `Street`, a person's name is a record of its parts.
package struct RecordNormalizer: Sendable {
    struct Part: Sendable {
        let field: ObjectDescription.Field
        let components: [ObjectDescription.Field]

        /// Of a person's name, which REST lists beside it; addresses and locations come as objects.
        var beside: [ObjectDescription.Field] { RecordNormalizer.isObject(field) ? [] : components }
        /// What stands for a compound in a table: its parts, and of a name also the whole.
        var columns: [ObjectDescription.Field] {
            components.isEmpty ? [] : RecordNormalizer.isObject(field) ? components : [field] + components
        }
    }

    let parts: [Part]
    /// What to ask the REST API for: names of fields, `Id` at least.
    package let queryFields: [String]
    /// Wanted, and not in the description: mistyped, or hidden from this user.
    package let unknown: [String]

    /// - Parameter fields: names or paths (`BillingAddress.City`); nil is everything that a change event would carry.
    package init(_ object: ObjectDescription, fields wanted: [String]?) {
        var names = Set<String>()
        for path in wanted ?? [] { names.insert(String(path.prefix { $0 != "." })) }
        let chosen = object.fields.filter { wanted == nil ? Self.isCarried($0) : names.contains($0.name) }
        let byCompound = Dictionary(grouping: object.fields.filter { $0.compound != nil }) { $0.compound ?? "" }
        parts = chosen.map { Part(field: $0, components: byCompound[$0.name] ?? []) }
        unknown = names.subtracting(object.fields.map(\.name)).sorted()
        let asked = parts.flatMap { [$0.field.name] + $0.beside.map(\.name) }
        queryFields = asked.contains("Id") ? asked : ["Id"] + asked
    }

    /// Everything asked for that the answer has, in the order of the description.
    package func normalized(_ record: Fields) -> Fields {
        var values: [String: Value] = [:]
        for field in record.fields { values[field.name] = field.value }
        var result = Fields()
        for part in parts {
            guard let value = values[part.field.name] else { continue }
            result.append(part.field.name, Self.name(part, values) ?? Self.normalized(value, part.field.type))
        }
        return result
    }

    /// A person's name. An account that is no person has the same fields, all empty, and its name as text.
    private static func name(_ part: Part, _ values: [String: Value]) -> Value? {
        guard part.beside.contains(where: { !(values[$0.name] ?? .null).isNull }) else { return nil }
        var name = Fields()
        for component in part.components { name.append(component.name, values[component.name] ?? .null) }
        return .record(name)
    }

    static func normalized(_ value: Value, _ type: String) -> Value {
        switch (type, value) {
        case ("datetime", .string(let text)): Timestamp.milliseconds(rfc3339: text).map(Value.timestamp) ?? value
        case ("time", .string(let text)): .string(text.hasSuffix("Z") ? String(text.dropLast()) : text)
        case ("double", .int(let number)), ("currency", .int(let number)), ("percent", .int(let number)):
            .double(Double(number))
        case ("int", .double(let number)), ("long", .double(let number)): Int64(exactly: number).map(Value.int) ?? value
        case ("address", .record(let fields)), ("location", .record(let fields)): .record(capitalized(fields))
        default: value
        }
    }

    /// In the order of change events; what those do not have comes last.
    private static let compoundOrder = [
        "Street", "City", "State", "PostalCode", "Country", "StateCode", "CountryCode", "Latitude", "Longitude",
        "GeocodeAccuracy",
    ]

    private static func capitalized(_ fields: Fields) -> Fields {
        let named = fields.fields.filter { $0.name != "attributes" }.map { field in
            Fields.Field(name: field.name.prefix(1).uppercased() + field.name.dropFirst(), value: coordinate(field))
        }
        func rank(_ name: String) -> Int { compoundOrder.firstIndex(of: name) ?? compoundOrder.count }
        return Fields(named.sorted { rank($0.name) < rank($1.name) })
    }

    private static func coordinate(_ field: Fields.Field) -> Value {
        if case .int(let number) = field.value, ["latitude", "longitude"].contains(field.name) {
            return .double(Double(number))
        }
        return field.value
    }

    static func isObject(_ field: ObjectDescription.Field) -> Bool {
        field.type == "address" || field.type == "location"
    }

    /// Change events know no blobs, no bookkeeping fields, and components only inside their compound.
    private static func isCarried(_ field: ObjectDescription.Field) -> Bool {
        field.compound == nil && field.type != "base64" && !uncarried.contains(field.name)
    }

    private static let uncarried: Set = [
        "Id", "IsDeleted", "SystemModstamp", "LastActivityDate", "LastViewedDate", "LastReferencedDate", "PhotoUrl",
    ]
}
