import Events

/// A complete answer to an HTTP request.
struct HTTPAnswer: Sendable, Equatable {
    struct Header: Sendable, Equatable {
        let name: String
        let value: String
    }

    var status: Int
    var headers: [Header] = []
    var body: [UInt8] = []
    /// Waits before answering, where the real service does.
    var delay: Duration = .zero

    static func json(_ status: Int, _ value: Value) -> HTTPAnswer {
        var text = JSONText()
        let isWritable = text.value(value)
        precondition(isWritable, "answers of the emulator hold no infinite numbers")
        return HTTPAnswer(
            status: status, headers: [Header(name: "content-type", value: "application/json")], body: text.bytes)
    }

    /// `{"error": "…"}`
    static func error(_ status: Int, _ text: String) -> HTTPAnswer { json(status, .record(["error": .string(text)])) }

    /// `{"errors": [{"message": …, "code": …}]}`
    static func errors(_ status: Int, code: Value, _ message: String) -> HTTPAnswer {
        json(status, .record(["errors": .list([.record(["message": .string(message), "code": code])])]))
    }
}

/// What an emulated target sees of a request.
struct TargetRequest: Sendable, Equatable {
    var method: String
    /// Without the query, percent-decoded.
    var path: String
    /// Decoded names and values.
    var query: [String: String] = [:]
    /// Names in lower case.
    var headers: [String: String] = [:]
    var body: [UInt8] = []

    /// Of `Authorization: Bearer …`.
    var bearer: String? {
        guard let value = headers["authorization"], value.lowercased().hasPrefix("bearer ") else { return nil }
        return String(value.dropFirst(7))
    }

    /// The path's pieces: `/v1/flows/x` gives three.
    var pieces: [String] { path.split(separator: "/").map(String.init) }
}
