import Events

/// Up to 200 records in one call.
extension RESTClient {
    package static let maximumCollection = 200
    static let maximumRetrieved = 2000

    /// What became of one record, in the order of the request.
    package enum SaveResult: Sendable, Equatable {
        case saved(Saved)
        case failed(RESTError)
    }

    /// - Parameter allOrNone: one failure takes everything back.
    package func create(
        _ entity: String, _ records: [Fields], allOrNone: Bool = false
    ) async throws(RESTError) -> [SaveResult] {
        try await save(.post, "/composite/sobjects", entity, records, allOrNone, verb: "create")
    }

    /// Each record has its `Id`.
    package func update(
        _ entity: String, _ records: [Fields], allOrNone: Bool = false
    ) async throws(RESTError) -> [SaveResult] {
        try await save(.patch, "/composite/sobjects", entity, records, allOrNone, verb: "update")
    }

    /// Each record has the external ID among its fields.
    package func upsert(
        _ entity: String, by externalField: String, _ records: [Fields], allOrNone: Bool = false
    ) async throws(RESTError) -> [SaveResult] {
        let path = RESTCall.path("composite", "sobjects", entity, externalField)
        return try await save(.patch, path, entity, records, allOrNone, verb: "upsert")
    }

    package func delete(ids: [String], allOrNone: Bool = false) async throws(RESTError) -> [SaveResult] {
        guard !ids.isEmpty else { return [] }
        var call = RESTCall(.delete, "/composite/sobjects", action: "delete \(ids.count) records")
        call.query = [("ids", ids.joined(separator: ",")), ("allOrNone", allOrNone ? "true" : "false")]
        try Self.check(ids.count, Self.maximumCollection, call.action)
        return try results(await send(call), count: ids.count)
    }

    /// - Returns: in the order of the IDs; nil for a record that is gone or not to be seen.
    package func retrieve(
        _ entity: String, ids: [String], fields: [String]
    ) async throws(RESTError) -> [Fields?] {
        guard !ids.isEmpty else { return [] }
        var call = RESTCall(
            .post, RESTCall.path("composite", "sobjects", entity),
            json: .record(["ids": .list(ids.map(Value.string)), "fields": .list(fields.map(Value.string))]),
            action: "read \(ids.count) records of \(entity)")
        call.isRepeatable = true
        try Self.check(ids.count, Self.maximumRetrieved, call.action)
        let answer = try await send(call)
        guard let records = try answer.json().list, records.count == ids.count else {
            throw answer.unexpected("it is no list of \(ids.count) records")
        }
        return records.map { $0.fields.map(RecordTree.plain) }
    }

    private func save(
        _ method: RESTCall.Method, _ path: String, _ entity: String, _ records: [Fields], _ allOrNone: Bool,
        verb: String
    ) async throws(RESTError) -> [SaveResult] {
        guard !records.isEmpty else { return [] }
        let typed = records.map { Value.record($0.typed(entity)) }
        let call = RESTCall(
            method, path, json: .record(["allOrNone": .bool(allOrNone), "records": .list(typed)]),
            action: "\(verb) \(records.count) records of \(entity)")
        try Self.check(records.count, Self.maximumCollection, call.action)
        return try results(await send(call), count: records.count)
    }

    private func results(_ answer: RESTAnswer, count: Int) throws(RESTError) -> [SaveResult] {
        guard let items = try answer.json().list, items.count == count else {
            throw answer.unexpected("it does not tell of \(count) records")
        }
        return items.map { item in
            guard item.flag("success") else {
                let errors = Value.list(item.list("errors") ?? [])
                return .failed(RESTError(item: errors, status: 400, action: answer.action))
            }
            return .saved(Saved(id: item.text("id") ?? "", isCreated: item.flag("created")))
        }
    }

    static func check(_ count: Int, _ limit: Int, _ action: String) throws(RESTError) {
        guard count > limit else { return }
        throw RESTError(.rejected, action: action, message: "\(limit) at most in one call", fix: "Split them.")
    }
}

extension Fields {
    /// With the `attributes` by which Salesforce tells what the record is.
    fileprivate func typed(_ entity: String) -> Fields {
        Fields([Fields.Field(name: "attributes", value: .record(["type": .string(entity)]))] + fields)
    }
}
