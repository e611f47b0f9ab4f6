import Events

/// The REST API of the emulated org: its small data set can be read and written, and what is written comes as events.
///
/// Answers have the forms and error codes of the real one. What is emulated: versions, limits, describe, queries of one
/// object, bulk queries, records by ID and external ID, collections, composite and batch, event schemas, and the Tooling
/// queries by which channels and managed subscriptions are looked up. Pure; the time comes in.
struct RESTEndpoint {
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
        var answer = admitted(request)
        let calls = org.limits[.apiRequests]
        answer.headers.append(.init(name: "Sforce-Limit-Info", value: "api-usage=\(calls.used)/\(calls.maximum)"))
        return answer
    }

    private mutating func admitted(_ request: TargetRequest) -> HTTPAnswer {
        guard org.limits.take(.apiRequests) else {
            return Self.refused(
                Refusal(status: 403, code: "REQUEST_LIMIT_EXCEEDED", message: "TotalRequests Limit exceeded."))
        }
        // `/services/data/v62.0/…`
        if let fault = org.restFaults.take("/" + request.pieces.dropFirst(3).joined(separator: "/")) { return fault }
        if let options = request.headers["sforce-call-options"], let name = options.split(separator: "client=").last {
            client = String(name)
        }
        do throws(Refusal) { return try route(try call(request)) } catch { return Self.refused(error) }
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
        case (_, "jobs", 2...) where call.path[1] == "query": return try bulk(call)
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
        let entries = OrgLimit.allCases.map { name in
            let limit = org.limits[name]
            return Fields.Field(
                name: name.rawValue,
                value: .record(["Max": .int(Int64(limit.maximum)), "Remaining": .int(Int64(limit.remaining))]))
        }
        return .json(200, .record(Fields(entries)))
    }

    func eventSchema(_ isMeant: (EmulatedSchema) -> Bool) throws(Refusal) -> HTTPAnswer {
        guard let schema = SalesforceSchemas.all.first(where: isMeant) else { throw .notFound }
        return HTTPAnswer(
            status: 200, headers: [.init(name: "content-type", value: "application/json")],
            body: Array(schema.json.utf8))
    }
}
