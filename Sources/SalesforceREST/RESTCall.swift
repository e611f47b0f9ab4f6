import Curl
import Events
import Salesforce

/// One call of the REST API, as the guide writes it.
package struct RESTCall: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case patch = "PATCH"
        case put = "PUT"
        case delete = "DELETE"
    }

    package var method: Method
    /// Below `/services/data/vXX.0` (`/limits`), or from the root of the instance if it starts with `/services/`.
    package var path: String
    package var query: [(name: String, value: String)]
    package var headers: [HTTPRequest.Header] = []
    package var body: [UInt8] = []
    package var contentType = "application/json"
    package var accept = "application/json"
    package var timeout: Duration = .seconds(120)
    /// What is read of the answer at most; a longer one is an error.
    package var maximumResponseBytes = 32 << 20
    /// Statuses beside 2xx and 304 whose answers say more than that it failed.
    package var alsoWanted: Set<Int> = []
    /// Carried out twice it does what it does once, so that it may be sent again when its answer was lost.
    package var isRepeatable: Bool
    /// Somebody waits for the answer: sent once, and not kept for later when a limit is reached.
    package var isUrgent = false
    /// For errors: "read Account 001…".
    package var action: String

    package init(
        _ method: Method = .get, _ path: String, query: [(name: String, value: String)] = [], action: String
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.action = action
        isRepeatable = method != .post
    }

    package init(_ method: Method, _ path: String, json: Value, action: String) {
        self.init(method, path, action: action)
        var text = JSONText()
        text.value(json)
        body = text.bytes
    }

    /// Path segments, each percent-encoded: `/sobjects/Account/001…`.
    package static func path(_ segments: String...) -> String {
        segments.map { "/" + FormEncoding.percentEncode($0) }.joined()
    }

    /// The address on an instance.
    func url(instance: String, version: String) -> String {
        let base = path.hasPrefix("/services/") ? instance : "\(instance)/services/data/v\(version)"
        return query.isEmpty ? base + path : base + path + "?" + FormEncoding.encode(query.map { ($0.name, $0.value) })
    }
}

/// What Salesforce answered: 2xx, 304 to a conditional request, or what the call wanted beside them.
package struct RESTAnswer: Sendable {
    package let status: Int
    package let response: HTTPResponse
    let action: String

    package var body: [UInt8] { response.body }

    package func header(_ name: String) -> String? { response.header(name) }

    package func json() throws(RESTError) -> Value {
        do throws(JSONError) {
            return try JSONReader.parse(response.body)
        } catch {
            throw unexpected("\(error)")
        }
    }

    /// For an answer that is JSON and yet not what the guide promises.
    package func unexpected(_ reason: String) -> RESTError {
        RESTError(
            .unreadable, action: action, status: status, message: "the answer cannot be read: \(reason)",
            fix: "Is something between here and Salesforce changing answers?")
    }
}
