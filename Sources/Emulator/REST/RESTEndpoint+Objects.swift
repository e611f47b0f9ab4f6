import Events

/// `/sobjects/…`
extension RESTEndpoint {
    mutating func objects(_ call: Call) throws(Refusal) -> HTTPAnswer {
        let path = call.path
        guard path.count > 1 else { return Self.everyObject }
        if path.count == 3, path[2] == "eventSchema" { return try eventSchema { $0.name == path[1] } }
        if let event = SalesforceSchemas.all.first(where: { $0.kind == .platform && $0.entityName == path[1] }) {
            return try platformEvent(event, call)
        }
        guard let schema = try? Self.schema(path[1]) else { throw .notFound }
        switch (call.method, path.count) {
        case ("GET", 3) where path[2] == "describe": return Self.description(schema)
        case ("POST", 2): return .json(201, Self.saved(try create(schema, call.body)))
        case (_, 3): return try record(schema, path[2], call)
        case (_, 4): return try external(schema, path[2], path[3], call)
        default:
            throw Refusal(status: 405, code: "METHOD_NOT_ALLOWED", message: "HTTP Method '\(call.method)' not allowed.")
        }
    }

    private mutating func record(_ schema: EmulatedSchema, _ id: String, _ call: Call) throws(Refusal) -> HTTPAnswer {
        let found = try living(schema, id)
        switch call.method {
        case "GET": return .json(200, .record(try read(found, schema, call.query["fields"])))
        case "PATCH": try update(schema, found, call.body)
        case "DELETE": try commit(EmulatedChange(entity: schema.entityName, change: .delete, recordIDs: [found.id]))
        default:
            throw Refusal(status: 405, code: "METHOD_NOT_ALLOWED", message: "HTTP Method '\(call.method)' not allowed.")
        }
        return HTTPAnswer(status: 204)
    }

    private mutating func external(
        _ schema: EmulatedSchema, _ field: String, _ value: String, _ call: Call
    ) throws(Refusal) -> HTTPAnswer {
        switch call.method {
        case "GET":
            guard let found = try match(schema, field, value) else { throw .notFound }
            return .json(200, .record(try read(found, schema, call.query["fields"])))
        case "PATCH":
            let (id, isCreated) = try upsert(schema, field, value, call.body)
            return .json(isCreated ? 201 : 200, Self.saved(id, isCreated: isCreated))
        default:
            throw Refusal(status: 405, code: "METHOD_NOT_ALLOWED", message: "HTTP Method '\(call.method)' not allowed.")
        }
    }

    private mutating func platformEvent(_ schema: EmulatedSchema, _ call: Call) throws(Refusal) -> HTTPAnswer {
        if call.method == "GET", call.path.last == "describe" { return Self.description(schema) }
        guard call.method == "POST", call.path.count == 2 else { throw .notFound }
        guard org.limits.allowance(.publishedEvents) > 0 else {
            throw Refusal(
                status: 400, code: "LIMIT_EXCEEDED",
                message: "You have exceeded the event publishing limit for your org.")
        }
        try commit(EmulatedChange(entity: schema.entityName, fields: try written(schema, call.body)))
        return .json(201, Self.saved("e00Dp0000000001AAA"))
    }

    // MARK: Reading

    private func read(
        _ record: RecordTable.Record, _ schema: EmulatedSchema, _ names: String?
    ) throws(Refusal) -> Fields {
        let fields = RESTField.all(schema)
        guard let names else { return Self.shown(record, fields, schema.entityName) }
        var chosen: [RESTField] = []
        for name in names.split(separator: ",").map(String.init) {
            guard let field = fields.first(where: { $0.name == name }) else { throw Self.unknown(name, schema) }
            chosen.append(field)
        }
        return Self.shown(record, chosen, schema.entityName)
    }

    func living(_ schema: EmulatedSchema, _ id: String) throws(Refusal) -> RecordTable.Record {
        guard let found = org.records.find(schema.entityName, id) else { throw .notFound }
        guard !found.isDeleted else {
            throw Refusal(status: 404, code: "ENTITY_IS_DELETED", message: "entity is deleted")
        }
        return found
    }

    /// - Throws: also where several match.
    private func match(
        _ schema: EmulatedSchema, _ field: String, _ value: String
    ) throws(Refusal) -> RecordTable.Record? {
        guard let by = RESTField.all(schema).first(where: { $0.name == field && $0.isExternalID }) else {
            throw .notFound
        }
        let found = org.records.all(schema.entityName).filter { !$0.isDeleted && by.value(of: $0) == .string(value) }
        guard found.count < 2 else {
            throw Refusal(status: 300, code: "MULTIPLE_CHOICES", message: "\(found.count) records have that value")
        }
        return found.first
    }

    // MARK: Writing

    mutating func create(_ schema: EmulatedSchema, _ body: Value) throws(Refusal) -> String {
        let fields = try written(schema, body)
        let id = org.records.newID(schema)
        try commit(EmulatedChange(entity: schema.entityName, change: .create, recordIDs: [id], fields: fields))
        return id
    }

    /// Nothing is committed, and no event comes, where nothing is new.
    mutating func update(
        _ schema: EmulatedSchema, _ record: RecordTable.Record, _ body: Value
    ) throws(Refusal) {
        var changed = record
        let fields = try written(schema, body)
        for field in fields.fields { changed.set(field.name, field.value) }
        let new = fields.fields.filter { (record.fields[$0.name] ?? .null) != (changed.fields[$0.name] ?? .null) }
        guard !new.isEmpty else { return }
        try commit(EmulatedChange(entity: schema.entityName, recordIDs: [record.id], fields: Fields(new)))
    }

    mutating func upsert(
        _ schema: EmulatedSchema, _ field: String, _ value: String, _ body: Value
    ) throws(Refusal) -> (id: String, isCreated: Bool) {
        if let found = try match(schema, field, value) {
            try update(schema, found, body)
            return (found.id, false)
        }
        guard case .record(var fields) = body else { throw Self.noRecord }
        fields[field] = .string(value)
        return (try create(schema, .record(fields)), true)
    }

    /// What a body sets, as an event tells it.
    private func written(_ schema: EmulatedSchema, _ body: Value) throws(Refusal) -> Fields {
        guard case .record(let given) = body else { throw Self.noRecord }
        let known = RESTField.all(schema)
        var fields = RecordTable.Record(id: "", createdAt: 0, modifiedAt: 0)
        for item in given.fields where item.name != "attributes" {
            guard let field = known.first(where: { $0.name == item.name }) else {
                throw Self.unknown(item.name, schema)
            }
            guard field.isWritable else {
                throw Refusal(
                    status: 400, code: "INVALID_FIELD_FOR_INSERT_UPDATE",
                    message:
                        "Unable to create/update fields: \(item.name). Please check the security settings of this field "
                        + "and verify that it is read/write for your profile or permission set.", fields: [item.name])
            }
            guard let value = field.read(item.value) else {
                throw Refusal(
                    status: 400, code: "JSON_PARSER_ERROR",
                    message: "Cannot deserialize instance of \(field.type) from \(item.name)", fields: [item.name])
            }
            switch field.source {
            case .component(let part, let compound): fields.set(compound, .record([part: value]))
            default: fields.set(item.name, value)
            }
        }
        return fields.fields
    }

    mutating func commit(_ change: EmulatedChange) throws(Refusal) {
        do throws(EmulatorError) {
            touched.formUnion(try org.commit([change], now: now, client: client))
        } catch {
            throw Refusal(status: 400, code: "INVALID_FIELD", message: "\(error)")
        }
    }

    // MARK: Answers

    static let noRecord = Refusal(status: 400, code: "JSON_PARSER_ERROR", message: "The request body is no record")

    static func unknown(_ field: String, _ schema: EmulatedSchema) -> Refusal {
        Refusal(
            status: 400, code: "INVALID_FIELD",
            message: "No such column '\(field)' on sobject of type \(schema.entityName)",
            fields: [field])
    }

    static func saved(_ id: String, isCreated: Bool = true) -> Value {
        .record([
            "id": .string(id), "success": .bool(true), "errors": .list([]), "created": .bool(isCreated),
        ])
    }

    private static var everyObject: HTTPAnswer {
        let objects = SalesforceSchemas.all.flatMap { schema in
            schema.kind == .platform
                ? [summary(schema.entityName, "", isQueryable: false)]
                : [
                    summary(schema.entityName, schema.keyPrefix, isQueryable: true),
                    summary(schema.name, "", isQueryable: false),
                ]
        }
        return .json(
            200, .record(["encoding": .string("UTF-8"), "maxBatchSize": .int(200), "sobjects": .list(objects)]))
    }

    private static func summary(_ name: String, _ prefix: String, isQueryable: Bool) -> Value {
        .record([
            "name": .string(name), "label": .string(name), "keyPrefix": .string(prefix),
            "queryable": .bool(isQueryable),
            "custom": .bool(name.contains("__")),
        ])
    }

    private static func description(_ schema: EmulatedSchema) -> HTTPAnswer {
        let isPlatform = schema.kind == .platform
        return .json(
            200,
            .record([
                "name": .string(schema.entityName), "label": .string(schema.entityName),
                "keyPrefix": .string(schema.keyPrefix), "queryable": .bool(!isPlatform), "createable": .bool(true),
                "updateable": .bool(!isPlatform), "custom": .bool(schema.entityName.contains("__")),
                "fields": .list(RESTField.all(schema).map(\.description)),
            ]))
    }
}
