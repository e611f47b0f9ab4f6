import Events

/// `/composite/…`: several calls, or several records, in one.
extension RESTEndpoint {
    static let maximumRecords = 200
    static let maximumRetrieved = 2_000
    static let maximumCalls = 25

    mutating func composite(_ call: Call) throws(Refusal) -> HTTPAnswer {
        switch (call.method, call.path.count > 1 ? call.path[1] : "", call.path.count) {
        case ("POST", "", _): return try calls(call.body)
        case ("POST", "batch", 2): return try batch(call.body)
        case ("GET", "sobjects", 3):
            let ids = (call.query["ids"] ?? "").split(separator: ",").map(String.init)
            let fields = (call.query["fields"] ?? "").split(separator: ",").map(String.init)
            return try retrieve(call.path[2], ids, fields)
        case ("POST", "sobjects", 3):
            return try retrieve(call.path[2], Self.texts(call.body, "ids"), Self.texts(call.body, "fields"))
        case ("DELETE", "sobjects", 2):
            let ids = (call.query["ids"] ?? "").split(separator: ",").map(String.init)
            return try each(ids) { (endpoint, id) throws(Refusal) in
                guard
                    let schema = SalesforceSchemas.all.first(where: { $0.kind == .change && id.hasPrefix($0.keyPrefix) }
                    )
                else {
                    throw Refusal(status: 400, code: "MALFORMED_ID", message: "malformed id \(id)")
                }
                let record = try endpoint.living(schema, id)
                try endpoint.commit(EmulatedChange(entity: schema.entityName, change: .delete, recordIDs: [record.id]))
                return (record.id, false)
            }
        case ("POST", "sobjects", 2), ("PATCH", "sobjects", 2), ("PATCH", "sobjects", 4): return try save(call)
        default: throw .notFound
        }
    }

    // MARK: Records

    private func retrieve(_ entity: String, _ ids: [String], _ names: [String]) throws(Refusal) -> HTTPAnswer {
        let schema = try Self.schema(entity)
        guard ids.count <= Self.maximumRetrieved else { throw Self.tooMany(Self.maximumRetrieved) }
        let known = RESTField.all(schema)
        var fields: [RESTField] = []
        for name in names {
            guard let field = known.first(where: { $0.name == name }) else { throw Self.unknown(name, schema) }
            fields.append(field)
        }
        return .json(
            200,
            .list(
                ids.map { id in
                    (try? living(schema, id)).map { .record(Self.shown($0, fields, schema.entityName)) } ?? .null
                }))
    }

    private mutating func save(_ call: Call) throws(Refusal) -> HTTPAnswer {
        guard case .record(let body) = call.body, case .list(let records)? = body["records"] else {
            throw Self.noRecord
        }
        let path = call.path
        return try each(records) { (endpoint, record) throws(Refusal) in
            guard case .record(var fields) = record, case .record(let attributes)? = fields["attributes"],
                case .string(let type)? = attributes["type"]
            else { throw Self.noRecord }
            let schema = try Self.schema(type)
            if call.method == "POST" { return (try endpoint.create(schema, record), true) }
            let key = path.count == 4 ? path[3] : "Id"
            guard case .string(let value)? = fields[key] else {
                throw Refusal(status: 400, code: "MISSING_ARGUMENT", message: "\(key) not specified", fields: [key])
            }
            fields = Fields(fields.fields.filter { $0.name != key })
            guard path.count == 4 else {
                let found = try endpoint.living(schema, value)
                try endpoint.update(schema, found, .record(fields))
                return (found.id, false)
            }
            return try endpoint.upsert(schema, key, value, .record(fields))
        }
    }

    /// One result for each; what fails is told in its place, and the others are saved.
    private mutating func each<Item>(
        _ items: [Item], _ save: (inout RESTEndpoint, Item) throws(Refusal) -> (id: String, isCreated: Bool)
    ) throws(Refusal) -> HTTPAnswer {
        guard items.count <= Self.maximumRecords else { throw Self.tooMany(Self.maximumRecords) }
        var results: [Value] = []
        for item in items {
            do throws(Refusal) {
                let (id, isCreated) = try save(&self, item)
                results.append(Self.saved(id, isCreated: isCreated))
            } catch {
                results.append(
                    .record([
                        "success": .bool(false),
                        "errors": .list([
                            .record([
                                "statusCode": .string(error.code), "message": .string(error.message),
                                "fields": .list(error.fields.map(Value.string)),
                            ])
                        ]),
                    ]))
            }
        }
        return .json(200, .list(results))
    }

    // MARK: Calls

    /// Later calls may name what earlier ones answered: `@{order.id}`.
    private mutating func calls(_ body: Value) throws(Refusal) -> HTTPAnswer {
        guard case .record(let asked) = body, case .list(let parts)? = asked["compositeRequest"] else {
            throw Self.noRecord
        }
        guard parts.count <= Self.maximumCalls else { throw Self.tooMany(Self.maximumCalls) }
        var known: [String: Value] = [:]
        var answers: [Value] = []
        for part in parts {
            guard case .record(let part) = part, case .string(let name)? = part["referenceId"] else {
                throw Self.noRecord
            }
            let (status, result) = perform(part, known)
            known[name] = result
            answers.append(
                .record([
                    "body": result, "httpHeaders": .record([:]), "httpStatusCode": .int(Int64(status)),
                    "referenceId": .string(name),
                ]))
        }
        return .json(200, .record(["compositeResponse": .list(answers)]))
    }

    private mutating func batch(_ body: Value) throws(Refusal) -> HTTPAnswer {
        guard case .record(let asked) = body, case .list(let parts)? = asked["batchRequests"] else {
            throw Self.noRecord
        }
        guard parts.count <= Self.maximumCalls else { throw Self.tooMany(Self.maximumCalls) }
        var results: [Value] = []
        var hasErrors = false
        for part in parts {
            guard case .record(var part) = part else { throw Self.noRecord }
            part["body"] = part["richInput"] ?? .null
            let (status, result) = perform(part, [:])
            hasErrors = hasErrors || status >= 300
            results.append(.record(["statusCode": .int(Int64(status)), "result": result]))
        }
        return .json(200, .record(["hasErrors": .bool(hasErrors), "results": .list(results)]))
    }

    private mutating func perform(_ part: Fields, _ known: [String: Value]) -> (status: Int, body: Value) {
        guard case .string(let method)? = part["method"], case .string(let url)? = part["url"] else {
            return (400, .list([]))
        }
        let pieces = Self.filled(url, known).split(separator: "?", maxSplits: 1).map(String.init)
        var path = FormText.decode(pieces[0], plusIsSpace: false).split(separator: "/").map(String.init)
        // `/services/data/v62.0/…`, or `v62.0/…` in a batch.
        if let version = path.firstIndex(where: { $0.hasPrefix("v") && $0.dropFirst().first?.isNumber == true }) {
            path.removeFirst(version + 1)
        }
        let call = Call(
            method: method, path: path, query: pieces.count > 1 ? FormText.parse(pieces[1]) : [:],
            body: Self.filled(part["body"] ?? .null, known))
        do throws(Refusal) {
            let answer = try route(call)
            return (answer.status, (try? JSONReader.parse(answer.body)) ?? .null)
        } catch {
            return (error.status, (try? JSONReader.parse(Self.refused(error).body)) ?? .null)
        }
    }

    private static func filled(_ value: Value, _ known: [String: Value]) -> Value {
        switch value {
        case .string(let text): .string(filled(text, known))
        case .record(let fields):
            .record(Fields(fields.fields.map { .init(name: $0.name, value: filled($0.value, known)) }))
        case .list(let values): .list(values.map { filled($0, known) })
        default: value
        }
    }

    private static func filled(_ text: String, _ known: [String: Value]) -> String {
        var result = ""
        var rest = Substring(text)
        while let start = rest.firstRange(of: "@{"), let end = rest[start.upperBound...].firstIndex(of: "}") {
            let path = rest[start.upperBound..<end].split(separator: ".").map(String.init)
            var value = known[path.first ?? ""]
            for name in path.dropFirst() {
                if case .record(let fields)? = value { value = fields[name] } else { value = nil }
            }
            result += rest[..<start.lowerBound]
            if case .string(let text)? = value { result += text } else { result += rest[start.lowerBound...end] }
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }

    private static func texts(_ body: Value, _ name: String) -> [String] {
        guard case .record(let fields) = body, case .list(let values)? = fields[name] else { return [] }
        return values.compactMap { if case .string(let text) = $0 { text } else { nil } }
    }

    private static func tooMany(_ limit: Int) -> Refusal {
        Refusal(status: 400, code: "EXCEEDED_ID_LIMIT", message: "record limit reached: \(limit) at most")
    }
}
