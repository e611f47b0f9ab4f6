import Curl
import Events
import SalesforceREST

/// Requests of a file: the body that Salesforce's guide shows for a composite, a batch or graphs, or a plain list.
struct SalesforceRequestFile {
    enum Kind: String, CaseIterable {
        case composite
        case batch
        case graph
    }

    struct Answer {
        /// The graph's ID.
        var graph: String?
        var response: Subresponse
    }

    static let maximumBytes = 8 << 20
    private static let bodies: [(kind: Kind, key: String)] = [
        (.composite, "compositeRequest"), (.batch, "batchRequests"), (.graph, "graphs"),
    ]
    private static let keys = ["method", "path", "url", "referenceId", "body", "richInput", "httpHeaders"]

    let kind: Kind
    /// One, without an ID, unless they are graphs.
    private(set) var groups: [(id: String, requests: [Subrequest])] = []
    var allOrNone = false
    var haltOnError = false
    private let file: String

    /// - Parameter kind: nil: what the file is.
    init(_ file: String, kind asked: Kind?) throws {
        self.file = file
        let value = try Self.json(file, maximumBytes: Self.maximumBytes, advice: "Send less in one call.")
        switch value {
        case .list:
            kind = asked ?? .composite
            groups = [(kind == .graph ? "graph1" : "", try requests(value, ""))]
        case .record(let body):
            guard let (meant, key) = Self.bodies.first(where: { body[$0.key] != nil }) else {
                throw CommandFailure(
                    .badInput, "\(file) is no list, and has none of compositeRequest, batchRequests and graphs.")
            }
            guard asked == nil || asked == meant else {
                throw CommandFailure(
                    .badInput, "\(file) is a \(meant.rawValue), which \(key) shows, and --kind says otherwise.")
            }
            kind = meant
            allOrNone = body["allOrNone"] == .bool(true)
            haltOnError = body["haltOnError"] == .bool(true)
            let list = body[key] ?? .null
            groups = meant == .graph ? try graphs(list) : [("", try requests(list, ""))]
        default: throw CommandFailure(.badInput, "\(file) is no JSON list or object.")
        }
        guard groups.contains(where: { !$0.requests.isEmpty }) else {
            throw CommandFailure(.badInput, "\(file) holds no requests.")
        }
    }

    /// - Returns: in the order of the file.
    func send(by rest: RESTClient) async throws(RESTError) -> [Answer] {
        switch kind {
        case .composite:
            try await rest.composite(groups[0].requests, allOrNone: allOrNone).map { Answer(response: $0) }
        case .batch:
            try await rest.batch(groups[0].requests, haltOnError: haltOnError).map { Answer(response: $0) }
        case .graph: try await graphAnswers(rest)
        }
    }

    private func graphAnswers(_ rest: RESTClient) async throws(RESTError) -> [Answer] {
        let answers = try await rest.graph(groups)
        return groups.flatMap { group in
            (answers[group.id] ?? []).map { Answer(graph: group.id, response: $0) }
        }
    }

    /// The JSON of a file, of bounded size.
    static func json(_ file: String, maximumBytes: Int, advice: String) throws -> Value {
        let bytes = try InputFile.read(file, maximumBytes: maximumBytes, advice: advice)
        do throws(JSONError) {
            return try JSONReader.parse(bytes)
        } catch {
            throw CommandFailure(.badInput, "\(file): \(error).")
        }
    }

    // MARK: Reading

    private func graphs(_ list: Value) throws -> [(id: String, requests: [Subrequest])] {
        guard case .list(let graphs) = list else { throw CommandFailure(.badInput, "\(file): graphs is no list.") }
        var read: [(id: String, requests: [Subrequest])] = []
        for (place, graph) in graphs.enumerated() {
            guard case .record(let fields) = graph, case .string(let id)? = fields["graphId"],
                let requests = fields["compositeRequest"]
            else {
                throw CommandFailure(.badInput, "\(file): graph \(place + 1) has no graphId and compositeRequest.")
            }
            guard !read.contains(where: { $0.id == id }) else {
                throw CommandFailure(.badInput, "\(file): two graphs have the graphId \(id).")
            }
            read.append((id, try self.requests(requests, "graph \(id), ")))
        }
        return read
    }

    private func requests(_ list: Value, _ place: String) throws -> [Subrequest] {
        guard case .list(let items) = list else {
            throw CommandFailure(.badInput, "\(file): \(place)the requests are no list.")
        }
        var read: [Subrequest] = []
        for (number, item) in items.enumerated() {
            let request = try request(item, number + 1, "\(file): \(place)request \(number + 1)")
            guard !read.contains(where: { $0.referenceID == request.referenceID }) else {
                throw CommandFailure(
                    .badInput, "\(file): \(place)two requests have the referenceId \(request.referenceID).")
            }
            read.append(request)
        }
        return read
    }

    private func request(_ item: Value, _ number: Int, _ place: String) throws -> Subrequest {
        guard case .record(let fields) = item else { throw CommandFailure(.badInput, "\(place) is no JSON object.") }
        if let unknown = fields.fields.first(where: { !Self.keys.contains($0.name) }) {
            throw CommandFailure(
                .badInput, "\(place) has the key \(unknown.name); it may have \(Self.keys.joined(separator: ", ")).")
        }
        guard case .string(let word)? = fields["method"], let method = RESTCall.Method(rawValue: word.uppercased())
        else {
            throw CommandFailure(.badInput, "\(place) has no method: GET, POST, PATCH, PUT or DELETE.")
        }
        guard case .string(let address)? = fields["path"] ?? fields["url"], let target = Target(address) else {
            throw CommandFailure(
                .badInput,
                "\(place) has no path such as /sobjects/Account, and no url such as /services/data/v62.0/limits.")
        }
        var reference = "request\(number)"
        if case .string(let name)? = fields["referenceId"] { reference = name }
        var request = Subrequest(
            method, target.path, referenceID: reference, body: fields["body"] ?? fields["richInput"])
        request.version = target.version
        request.headers = try headers(fields["httpHeaders"], place)
        guard method == .get || method == .delete ? request.body == nil : request.body != nil else {
            let wants = request.body == nil ? "no body, which \(word) wants" : "a body, and \(word) has none"
            throw CommandFailure(.badInput, "\(place) has \(wants).")
        }
        guard request.headers.isEmpty || kind != .batch else {
            throw CommandFailure(.badInput, "\(place) has httpHeaders: a batch takes none.")
        }
        return request
    }

    private func headers(_ value: Value?, _ place: String) throws -> [HTTPRequest.Header] {
        guard let value else { return [] }
        guard case .record(let fields) = value else {
            throw CommandFailure(.badInput, "\(place): httpHeaders is no object.")
        }
        return try fields.fields.map { field in
            guard case .string(let text) = field.value else {
                throw CommandFailure(.badInput, "\(place): the header \(field.name) is no text.")
            }
            return .init(field.name, text)
        }
    }

    /// `/sobjects/Account`, `/services/data/v62.0/sobjects/Account` or, in a batch, `v62.0/sobjects/Account`.
    private struct Target {
        var version: String?
        var path: String

        init?(_ address: String) {
            let prefix = "/services/data/"
            var rest = Substring(address.hasPrefix(prefix) ? String(address.dropFirst(prefix.count)) : address)
            let isVersioned = address.hasPrefix(prefix) || address.hasPrefix("v")
            if isVersioned {
                guard rest.first == "v", let slash = rest.firstIndex(of: "/") else { return nil }
                let number = rest[..<slash].dropFirst()
                guard Double(number) != nil else { return nil }
                version = String(number)
                rest = rest[slash...]
            }
            guard rest.first == "/", rest.utf8.count > 1 else { return nil }
            path = String(rest)
        }
    }
}
