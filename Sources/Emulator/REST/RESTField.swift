import Events

/// A field as the REST API shows it: other names and other forms than in events.
struct RESTField: Sendable {
    enum Source: Sendable, Equatable {
        case id, isDeleted, systemModstamp, createdDate, createdBy, modifiedDate, modifiedBy
        case field(String)
        /// Of a compound: `BillingCity` is `City` of `BillingAddress`.
        case component(String, of: String)
    }

    let name: String
    /// Of `describe`: `string`, `datetime`, `address`, …
    let type: String
    let source: Source

    /// What records are found by, beside their IDs.
    var isExternalID: Bool { name == "AccountNumber" || (name == "Name" && type == "string") }
    /// Compounds are written by their components, and what a commit sets not at all.
    var isWritable: Bool {
        switch source {
        case .field: type != "address" && type != "location"
        case .component: true
        default: false
        }
    }

    /// As the record holds it.
    func value(of record: RecordTable.Record) -> Value {
        switch source {
        case .id: return .string(record.id)
        case .isDeleted: return .bool(record.isDeleted)
        case .systemModstamp, .modifiedDate: return .int(record.modifiedAt)
        case .createdDate: return .int(record.createdAt)
        case .createdBy: return .string(record.createdBy)
        case .modifiedBy: return .string(record.modifiedBy)
        case .field(let name): return record.fields[name] ?? .null
        case .component(let part, let compound):
            guard case .record(let parts)? = record.fields[compound] else { return .null }
            return parts[part] ?? .null
        }
    }

    /// As REST shows it.
    func shown(_ record: RecordTable.Record) -> Value {
        switch (type, value(of: record)) {
        case ("datetime", .int(let time)): .string(String(EpochText.text(time).dropLast()) + "+0000")
        case ("date", .int(let time)): .string(Timestamp.dateOnly(time))
        case ("time", .int(let time)): .string(Timestamp.timeOnly(time) + "Z")
        case ("address", .record(let parts)), ("location", .record(let parts)):
            .record(
                Fields(
                    parts.fields.map { part in
                        .init(name: part.name.prefix(1).lowercased() + part.name.dropFirst(), value: part.value)
                    }))
        case (_, let value): value
        }
    }

    /// From what is written, or asked for; nil for another form.
    func read(_ value: Value) -> Value? {
        guard case .string(let text) = value, ["datetime", "date", "time"].contains(type) else { return value }
        let whole =
            switch type {
            case "date": text + "T00:00:00Z"
            case "time": "1970-01-01T" + text
            default: text
            }
        return Timestamp.milliseconds(rfc3339: whole).map(Value.int)
    }

    // MARK: Of an object

    static func all(_ schema: EmulatedSchema) -> [RESTField] {
        let own: [RESTField] = [
            RESTField(name: "Id", type: "id", source: .id),
            RESTField(name: "IsDeleted", type: "boolean", source: .isDeleted),
        ]
        let audit: [String: Source] = [
            "CreatedDate": .createdDate, "CreatedById": .createdBy, "LastModifiedDate": .modifiedDate,
            "LastModifiedById": .modifiedBy,
        ]
        let told = schema.fields.flatMap { field -> [RESTField] in
            let type = Self.type(field.doc)
            let whole = RESTField(name: field.name, type: type, source: audit[field.name] ?? .field(field.name))
            guard type == "address" || type == "location", let compound = field.type.compound else { return [whole] }
            return [whole]
                + compound.fields.map { part in
                    RESTField(
                        name: name(of: part.name, in: field.name), type: part.type == .double ? "double" : "string",
                        source: .component(part.name, of: field.name))
                }
        }
        guard schema.kind == .change else { return told }
        return own + told + [RESTField(name: "SystemModstamp", type: "datetime", source: .systemModstamp)]
    }

    /// `BillingCity`; `Site__Latitude__s`
    private static func name(of part: String, in compound: String) -> String {
        compound.hasSuffix("__c") ? "\(compound.dropLast(1))\(part)__s" : "\(compound.dropLast("Address".count))\(part)"
    }

    private static let types: [String: String] = [
        "StringPlusClob": "textarea", "HtmlStringPlusClob": "textarea", "DynamicEnum": "picklist",
        "StaticEnum": "picklist",
        "MultiEnum": "multipicklist", "EntityId": "reference", "Currency": "currency", "Double": "double",
        "Percent": "percent", "Integer": "int", "Boolean": "boolean", "DateTime": "datetime", "DateOnly": "date",
        "TimeOnly": "time", "Address": "address", "Location": "location", "Url": "url", "Phone": "phone",
        "Email": "email",
    ]

    private static func type(_ doc: String) -> String {
        let parts = doc.split(separator: ":")
        return parts.count > 1 ? types[String(parts[1])] ?? "string" : "string"
    }
}

extension RESTField {
    /// One field of the answer to `describe`.
    var description: Value {
        var compound: Value = .null
        if case .component(_, let name) = source { compound = .string(name) }
        return .record([
            "name": .string(name), "label": .string(name), "type": .string(type), "compoundFieldName": compound,
            "nillable": .bool(isWritable), "createable": .bool(isWritable), "updateable": .bool(isWritable),
            "externalId": .bool(isExternalID), "idLookup": .bool(isExternalID || name == "Id"),
            "custom": .bool(name.hasSuffix("__c") || name.hasSuffix("__s")), "calculated": .bool(false),
            "length": .int(type == "textarea" ? 32_000 : 255), "referenceTo": .list([]), "picklistValues": .list([]),
        ])
    }
}
