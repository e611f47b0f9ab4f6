import DequeModule
import Events

/// A request that a target of the emulator got.
package struct ReceivedRequest: Sendable, Equatable {
    /// From 1, in order of arrival.
    package var number: Int
    /// Epoch milliseconds.
    package var receivedAt: Int64
    package var method: String
    package var path: String
    package var query: [String: String]
    /// Names in lower case; credentials are left out.
    package var headers: [String: String]
    package var body: [UInt8]
    /// The answer's.
    package var status: Int
    /// False for what was refused, and for a FlowMate duplicate that was answered 200 and dropped.
    package var wasExecuted: Bool
    /// What the first step of a FlowMate flow got, or the records that an integrator.io listener took; else nil.
    package var data: Value?
}

/// What the targets received, newest last; the oldest goes when there is too much.
struct ReceivedLog: Sendable {
    static let maximumRequests = 20_000
    static let maximumBytes = 64 << 20
    private static let secretHeaders: Set<String> = ["authorization", "proxy-authorization", "cookie", "x-api-key"]

    private(set) var requests: Deque<ReceivedRequest> = []
    /// Of all, also of those that are gone.
    private(set) var count = 0
    private var bytes = 0

    mutating func append(_ request: TargetRequest, status: Int, wasExecuted: Bool, data: Value? = nil, now: Int64) {
        count += 1
        requests.append(
            ReceivedRequest(
                number: count, receivedAt: now, method: request.method, path: request.path, query: request.query,
                headers: request.headers.filter { !Self.secretHeaders.contains($0.key) }, body: request.body,
                status: status, wasExecuted: wasExecuted, data: data))
        bytes += request.body.count
        while requests.count > Self.maximumRequests || bytes > Self.maximumBytes, requests.count > 1 {
            bytes -= requests.removeFirst().body.count
        }
    }

    mutating func clear() {
        requests.removeAll()
        bytes = 0
    }

    func requests(after number: Int) -> [ReceivedRequest] {
        let oldest = requests.first?.number ?? 0
        return Array(requests.dropFirst(max(0, number - oldest + 1)))
    }

    /// `GET /emulator/received`: those after a number, at most `limit`, of one path if given.
    func json(after number: Int, limit: Int, path: String?) -> Value {
        let chosen = requests.lazy.filter { $0.number > number && (path == nil || $0.path == path) }.prefix(limit)
        return .record(["count": .int(Int64(count)), "requests": .list(chosen.map { $0.json })])
    }
}

extension ReceivedRequest {
    /// The body is text if it is UTF-8, else base64 under `bodyBase64`.
    var json: Value {
        var fields: Fields = [
            "number": .int(Int64(number)), "receivedAt": .int(receivedAt), "method": .string(method),
            "path": .string(path), "query": Self.map(query), "headers": Self.map(headers),
            "status": .int(Int64(status)), "executed": .bool(wasExecuted),
        ]
        if let data { fields.append("data", data) }
        if let text = String(validating: body, as: UTF8.self) {
            fields.append("body", .string(text))
        } else {
            fields.append("bodyBase64", .string(Base64.encode(body)))
        }
        return .record(fields)
    }

    private static func map(_ values: [String: String]) -> Value {
        .record(Fields(values.sorted { $0.key < $1.key }.map { .init(name: $0.key, value: .string($0.value)) }))
    }
}
