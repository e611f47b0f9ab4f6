import Events

/// The REST API of the emulated org: its small data set can be read and written, and what is written comes as events.
///
/// Answers have the forms and error codes of the real one. What is emulated: versions, limits, describe, queries of one
/// object, records by ID and external ID, collections, composite and batch, event schemas, and the Tooling queries by
/// which channels are looked up. Pure; the time comes in.
struct RESTEndpoint {
    static let calls = 100_000

    struct Refusal: Error {
        var status: Int
        var code: String
        var message: String
        var fields: [String] = []

        static let notFound = Refusal(status: 404, code: "NOT_FOUND", message: "The requested resource does not exist")
    }

    /// One request, or one part of a composite one.
    struct Call {
        var method: String
        /// Behind `/services/data/v62.0`.
        var path: [String]
        var query: [String: String]
        var body: Value
    }

    var org: EmulatedOrg
    /// Epoch milliseconds.
    let now: Int64
    /// Of the caller, for the origin of its changes.
    var client = "unknown"
    /// Topics that have something new.
    var touched: Set<String> = []

    init(_ org: EmulatedOrg, now: Int64) {
        self.org = org
        self.now = now
    }

    mutating func answer(_ request: TargetRequest) -> HTTPAnswer {
        guard let bearer = request.bearer, org.access.isValid(token: bearer) else {
            return Self.refused(
                Refusal(status: 401, code: "INVALID_SESSION_ID", message: "Session expired or invalid"))
        }
        org.callsUsed += 1
        if let options = request.headers["sforce-call-options"], let name = options.split(separator: "client=").last {
            client = String(name)
        }
        var answer: HTTPAnswer
        do throws(Refusal) {
            answer = try route(try call(request))
        } catch {
            answer = Self.refused(error)
        }
        answer.headers.append(.init(name: "Sforce-Limit-Info", value: "api-usage=\(org.callsUsed)/\(Self.calls)"))
        return answer
    }

    private func call(_ request: TargetRequest) throws(Refusal) -> Call {
        // `/services/data/v62.0/…`
        let path = Array(request.pieces.dropFirst(3))
        guard request.pieces.count > 2, request.pieces[2].hasPrefix("v") else { throw .notFound }
        var body = Value.null
        if !request.body.isEmpty {
            do { body = try JSONReader.parse(request.body) } catch {
                throw Refusal(status: 400, code: "JSON_PARSER_ERROR", message: "\(error)")
            }
        }
        return Call(method: request.method, path: path, query: request.query, body: body)
    }

    mutating func route(_ call: Call) throws(Refusal) -> HTTPAnswer {
        switch (call.method, call.path.first ?? "", call.path.count) {
        case ("GET", "limits", 1): return limits()
        case ("GET", "query", 1), ("GET", "queryAll", 1):
            return try query(call.query["q"] ?? "", includesDeleted: call.path[0] == "queryAll")
        case ("GET", "tooling", 2) where call.path[1] == "query": return try tooling(call.query["q"] ?? "")
        case ("GET", "event", 3) where call.path[1] == "eventSchema": return try eventSchema { $0.id == call.path[2] }
        case (_, "sobjects", _): return try objects(call)
        case (_, "composite", _): return try composite(call)
        default: throw .notFound
        }
    }

    static func refused(_ refusal: Refusal) -> HTTPAnswer {
        var error: Fields = ["message": .string(refusal.message), "errorCode": .string(refusal.code)]
        if !refusal.fields.isEmpty { error["fields"] = .list(refusal.fields.map(Value.string)) }
        return .json(refusal.status, .list([.record(error)]))
    }

    // MARK: The org

    private func limits() -> HTTPAnswer {
        func limit(_ maximum: Int, used: Int) -> Value {
            .record(["Max": .int(Int64(maximum)), "Remaining": .int(Int64(max(0, maximum - used)))])
        }
        return .json(
            200,
            .record([
                "DailyApiRequests": limit(Self.calls, used: org.callsUsed),
                "DailyDeliveredPlatformEvents": limit(50_000, used: 0),
                "HourlyPublishedPlatformEvents": limit(250_000, used: 0),
            ]))
    }

    /// What can be selected is selected, and the user may see all of it but for the forbidden topics.
    private func tooling(_ text: String) throws(Refusal) -> HTTPAnswer {
        let asked = try Self.parsed(text)
        let selected = SalesforceSchemas.all.filter { $0.kind == .change }.map(\.name)
        switch asked.entity {
        case "PlatformEventChannelMember":
            let rows = selected.map { name in
                RecordTable.Record(
                    id: "0v8\(name)",
                    fields: ["SelectedEntity": .string(name), "EventChannel": .string("ChangeEvents")], createdAt: 0,
                    modifiedAt: 0)
            }
            return try Self.found(asked, rows, Self.memberFields)
        case "PlatformEventChannel", "ManagedEventSubscription": return Self.records([])
        default:
            throw Refusal(
                status: 400, code: "INVALID_TYPE", message: "sObject type '\(asked.entity)' is not supported.")
        }
    }

    private static let memberFields = ["SelectedEntity", "EventChannel"].map {
        RESTField(name: $0, type: "string", source: .field($0))
    }

    func eventSchema(_ isMeant: (EmulatedSchema) -> Bool) throws(Refusal) -> HTTPAnswer {
        guard let schema = SalesforceSchemas.all.first(where: isMeant) else { throw .notFound }
        return HTTPAnswer(
            status: 200, headers: [.init(name: "content-type", value: "application/json")],
            body: Array(schema.json.utf8))
    }

    // MARK: Queries

    private func query(_ text: String, includesDeleted: Bool) throws(Refusal) -> HTTPAnswer {
        let asked = try Self.parsed(text)
        switch asked.entity {
        // By these, tools find out whether the user may see all records.
        case "PermissionSet": return Self.records(org.forbidden.isEmpty ? [["Id": .string("0PSDp0000000001AAA")]] : [])
        case "ObjectPermissions":
            let visible = SalesforceSchemas.all.filter { $0.kind == .change && !org.forbidden.contains($0.topic) }
            return Self.records(visible.map { ["SobjectType": .string($0.entityName)] })
        case "Organization": return Self.records([["Id": .string(org.access.organizationID)]])
        default: break
        }
        let schema = try Self.schema(asked.entity)
        let rows = org.records.all(schema.entityName).filter { includesDeleted || !$0.isDeleted }
        return try Self.found(try resolved(asked), rows, RESTField.all(schema))
    }

    private func resolved(_ asked: SOQLQuery) throws(Refusal) -> SOQLQuery {
        var asked = asked
        do throws(SOQLQuery.Problem) {
            asked.condition = try asked.condition?.resolved(inner)
        } catch {
            throw Refusal(status: 400, code: error.code, message: error.message)
        }
        return asked
    }

    /// The one field that an inner query selects, of what it finds.
    private func inner(_ asked: SOQLQuery) throws(SOQLQuery.Problem) -> [Value] {
        guard let schema = try? Self.schema(asked.entity), asked.fields.count == 1 else {
            throw SOQLQuery.Problem(message: "an inner query selects one field of an object")
        }
        let fields = RESTField.all(schema)
        func field(_ name: String) -> RESTField? { fields.first { $0.name.lowercased() == name.lowercased() } }
        guard let chosen = field(asked.fields[0]) else { throw .unknown(asked.fields[0]) }
        let condition = try asked.condition?.resolved(inner)
        var values: [Value] = []
        for row in org.records.all(schema.entityName) where !row.isDeleted {
            if let condition, try !condition.holds(row, field) { continue }
            values.append(chosen.value(of: row))
        }
        return values
    }

    private static func parsed(_ text: String) throws(Refusal) -> SOQLQuery {
        do throws(SOQLQuery.Problem) {
            return try SOQLQuery(text)
        } catch {
            throw Refusal(status: 400, code: error.code, message: error.message)
        }
    }

    private static func found(
        _ asked: SOQLQuery, _ rows: [RecordTable.Record], _ fields: [RESTField]
    ) throws(Refusal) -> HTTPAnswer {
        let names = Dictionary(fields.map { ($0.name.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
        func field(_ name: String) -> RESTField? { names[name.lowercased()] }
        do throws(SOQLQuery.Problem) {
            var rows = rows
            if let condition = asked.condition {
                var kept: [RecordTable.Record] = []
                for row in rows where try condition.holds(row, field) { kept.append(row) }
                rows = kept
            }
            if let order = asked.order {
                guard let by = field(order.field) else { throw .unknown(order.field) }
                rows.sort { one, other in
                    let (one, other) = order.isDescending ? (other, one) : (one, other)
                    return (SOQLQuery.Condition.order(by.value(of: one), by.value(of: other)) ?? 0) < 0
                }
            }
            guard !asked.counts else { return counted(asked, rows.count) }
            let chosen = try selected(asked.fields, fields, field)
            return records(rows.prefix(asked.limit ?? .max).map { row in shown(row, chosen, asked.entity) })
        } catch {
            throw Refusal(status: 400, code: error.code, message: error.message)
        }
    }

    /// `count()` stands in `totalSize`, `count(Id)` is a value.
    private static func counted(_ asked: SOQLQuery, _ count: Int) -> HTTPAnswer {
        guard asked.fields[0].hasSuffix("()") else { return records([["expr0": .int(Int64(count))]]) }
        return .json(200, .record(["totalSize": .int(Int64(count)), "done": .bool(true), "records": .list([])]))
    }

    private static func selected(
        _ asked: [String], _ fields: [RESTField], _ field: (String) -> RESTField?
    ) throws(SOQLQuery.Problem) -> [RESTField] {
        var chosen: [RESTField] = []
        for name in asked {
            if name.uppercased().hasPrefix("FIELDS(") {
                chosen += fields
            } else if let field = field(name) {
                chosen.append(field)
            } else {
                throw .unknown(name)
            }
        }
        return chosen
    }

    private static func records(_ found: [Fields]) -> HTTPAnswer {
        .json(
            200,
            .record([
                "totalSize": .int(Int64(found.count)), "done": .bool(true), "records": .list(found.map(Value.record)),
            ]))
    }

    static func shown(_ record: RecordTable.Record, _ fields: [RESTField], _ entity: String) -> Fields {
        let attributes: Fields = [
            "type": .string(entity), "url": .string("/services/data/v62.0/sobjects/\(entity)/\(record.id)"),
        ]
        return Fields(
            [Fields.Field(name: "attributes", value: .record(attributes))]
                + fields.map { Fields.Field(name: $0.name, value: $0.shown(record)) })
    }

    /// - Throws: for what is no object; platform events have no records.
    static func schema(_ entity: String) throws(Refusal) -> EmulatedSchema {
        let known = SalesforceSchemas.all.first {
            $0.entityName.lowercased() == entity.lowercased() && $0.kind == .change
        }
        if let known { return known }
        throw Refusal(status: 400, code: "INVALID_TYPE", message: "sObject type '\(entity)' is not supported.")
    }
}
