import Curl
import Events

/// Several requests in one call.
package struct Subrequest: Sendable {
    package var method: RESTCall.Method
    /// As in `RESTCall`: below the version. May hold references such as `@{refAccount.id}`.
    package var path: String
    /// Names this request for later ones; letters, digits and underscores.
    package var referenceID: String
    package var body: Value?
    package var headers: [HTTPRequest.Header] = []
    /// `62.0`; nil is the client's.
    package var version: String?

    package init(_ method: RESTCall.Method, _ path: String, referenceID: String, body: Value? = nil) {
        self.method = method
        self.path = path
        self.referenceID = referenceID
        self.body = body
    }
}

/// What became of one of them.
package struct Subresponse: Sendable, Equatable {
    package var referenceID: String
    package var status: Int
    package var body: Value
    /// Nil for 2xx.
    package var error: RESTError?
}

extension RESTClient {
    static let maximumSubrequests = 25
    static let maximumGraphs = 75
    static let maximumNodes = 500

    /// One after another; a later one may refer to an earlier one's answer. Counts as one call.
    package func composite(
        _ requests: [Subrequest], allOrNone: Bool = false
    ) async throws(RESTError) -> [Subresponse] {
        let action = "send \(requests.count) requests as one"
        try Self.check(requests.count, Self.maximumSubrequests, action)
        let body = Value.record([
            "allOrNone": .bool(allOrNone), "compositeRequest": .list(requests.map(compositeItem)),
        ])
        let answer = try await send(RESTCall(.post, "/composite", json: body, action: action))
        return try responses(answer.json(), to: requests, answer)
    }

    /// Independent of one another. Each counts as a call.
    package func batch(
        _ requests: [Subrequest], haltOnError: Bool = false
    ) async throws(RESTError) -> [Subresponse] {
        let action = "send \(requests.count) requests as a batch"
        try Self.check(requests.count, Self.maximumSubrequests, action)
        let items = requests.map { request -> Value in
            var item: Fields = [
                "method": .string(request.method.rawValue), "url": .string(Self.relative(request, options)),
            ]
            item["richInput"] = request.body
            return .record(item)
        }
        let body = Value.record(["haltOnError": .bool(haltOnError), "batchRequests": .list(items)])
        let answer = try await send(RESTCall(.post, "/composite/batch", json: body, action: action))
        guard let results = try answer.json().list("results"), results.count == requests.count else {
            throw answer.unexpected("it does not tell of \(requests.count) requests")
        }
        return zip(requests, results).map { request, result in
            Self.response(request.referenceID, result.integer("statusCode") ?? 0, result["result"] ?? .null, action)
        }
    }

    /// Graphs of requests, by ID; each graph is done wholly or not at all.
    package func graph(
        _ graphs: [(id: String, requests: [Subrequest])]
    ) async throws(RESTError) -> [String: [Subresponse]] {
        let action = graphs.count == 1 ? "send a graph" : "send \(graphs.count) graphs"
        try Self.check(graphs.count, Self.maximumGraphs, action)
        try Self.check(graphs.reduce(0) { $0 + $1.requests.count }, Self.maximumNodes, action)
        let items = graphs.map { graph in
            Value.record([
                "graphId": .string(graph.id), "compositeRequest": .list(graph.requests.map(compositeItem)),
            ])
        }
        let answer = try await send(
            RESTCall(.post, "/composite/graph", json: .record(["graphs": .list(items)]), action: action))
        guard let results = try answer.json().list("graphs") else { throw answer.unexpected("it has no graphs") }
        var responses: [String: [Subresponse]] = [:]
        for result in results {
            guard let graph = graphs.first(where: { $0.id == result.text("graphId") }),
                let inner = result["graphResponse"]
            else { throw answer.unexpected("it tells of a graph that was not sent") }
            responses[graph.id] = try self.responses(inner, to: graph.requests, answer)
        }
        guard responses.count == graphs.count else {
            throw answer.unexpected("it tells of \(responses.count) graphs, not of \(graphs.count)")
        }
        return responses
    }

    private func compositeItem(_ request: Subrequest) -> Value {
        var item: Fields = [
            "method": .string(request.method.rawValue), "referenceId": .string(request.referenceID),
            "url": .string("/services/data/" + Self.relative(request, options)),
        ]
        item["body"] = request.body
        if !request.headers.isEmpty {
            item["httpHeaders"] = .record(
                Fields(request.headers.map { Fields.Field(name: $0.name, value: .string($0.value)) }))
        }
        return .record(item)
    }

    private static func relative(_ request: Subrequest, _ options: RESTOptions) -> String {
        "v\(request.version ?? options.version)\(request.path)"
    }

    private func responses(
        _ body: Value, to requests: [Subrequest], _ answer: RESTAnswer
    ) throws(RESTError) -> [Subresponse] {
        guard let items = body.list("compositeResponse") else { throw answer.unexpected("it has no compositeResponse") }
        // A limit is told by one item that belongs to no request, with status 200 around it.
        if let item = items.first, item.text("referenceId") == nil {
            let status = item.integer("httpStatusCode") ?? 400
            throw RESTError(item: item["body"] ?? .null, status: status, action: answer.action)
        }
        guard items.count == requests.count else {
            throw answer.unexpected("it tells of \(items.count) requests, not of \(requests.count)")
        }
        return items.map { item in
            Self.response(
                item.text("referenceId") ?? "", item.integer("httpStatusCode") ?? 0, item["body"] ?? .null,
                answer.action)
        }
    }

    private static func response(_ reference: String, _ status: Int, _ body: Value, _ action: String) -> Subresponse {
        let isDone = (200..<300).contains(status) || status == 304
        return Subresponse(
            referenceID: reference, status: status, body: body,
            error: isDone ? nil : RESTError(item: body, status: status, action: "\(action): \(reference)"))
    }
}
