import Curl
import Events

/// Calls integrator.io's API.
package struct IntegratorClient: Sendable {
    /// Larger answers are refused.
    static let maximumAnswerBytes = 16 << 20
    /// Later pages are not read.
    static let maximumPages = 1_000

    package private(set) var settings: IntegratorSettings
    private let http: any HTTPClient

    package init(settings: IntegratorSettings, http: any HTTPClient) {
        self.settings = settings
        self.http = http
    }

    /// The same, with another shape of the run's body.
    package func with(runBody shape: RunBody.Shape) -> IntegratorClient {
        var copy = self
        copy.settings.runBody = shape
        return copy
    }

    package func tokenInfo() async throws(IntegratorFailure) -> IntegratorTokenInfo {
        let call = IntegratorCall("GET", "/tokenInfo", action: "check the API token")
        let json = try await json(call)
        guard json.fields != nil else { throw unreadable(call) }
        return IntegratorTokenInfo(json)
    }

    package func flow(_ id: String) async throws(IntegratorFailure) -> IntegratorFlow {
        try await describedFlow(id).content
    }

    package func export(_ id: String) async throws(IntegratorFailure) -> IntegratorExport {
        let call = IntegratorCall("GET", "/exports/\(id)", action: "read export \(id)")
        let response = try await send(call)
        guard let export = IntegratorExport(try parsed(response, call), body: response.body) else {
            throw unreadable(call)
        }
        return export
    }

    package func connection(_ id: String) async throws(IntegratorFailure) -> IntegratorConnection {
        let call = IntegratorCall("GET", "/connections/\(id)", action: "read connection \(id)")
        let json = try await json(call)
        guard json.fields != nil else { throw unreadable(call) }
        return IntegratorConnection(json)
    }

    /// Puts a run into the flow's queue.
    ///
    /// - Returns: the jobs; empty when integrator.io took the run without naming one.
    package func run(flow id: String, _ body: RunBody) async throws(IntegratorFailure) -> [String] {
        let call = IntegratorCall(
            "POST", "/flows/\(id)/run", body: body.bytes(settings.runBody), action: "run flow \(id)")
        let response = try await send(call)
        return (try? JSONReader.parse(response.body)).map(RunAnswer.jobs) ?? []
    }

    // MARK: Calling

    /// The JSON of a 2xx answer with a body.
    func json(_ call: IntegratorCall) async throws(IntegratorFailure) -> Value {
        try parsed(try await send(call), call)
    }

    /// The JSON of a 2xx answer; null without a body.
    func jsonOrNull(_ call: IntegratorCall) async throws(IntegratorFailure) -> Value {
        let response = try await send(call)
        return response.body.isEmpty ? .null : try parsed(response, call)
    }

    /// All elements of a list that is paged by `Link` headers.
    func list(_ call: IntegratorCall) async throws(IntegratorFailure) -> [Value] {
        var all: [Value] = []
        var url = settings.root + call.target
        var seen: Set<String> = [url]
        for _ in 0..<Self.maximumPages {
            let response = try await send(call, url: url)
            // An empty list comes as 204 without a body.
            if response.status == 204 || response.body.isEmpty { return all }
            guard let page = try parsed(response, call).list else { throw unreadable(call) }
            all += page
            guard let next = LinkHeader.next(response.headers(named: "Link")) else { return all }
            url = try following(next, call)
            guard seen.insert(url).inserted else { return all }
        }
        throw IntegratorFailure(action: call.action, cause: .tooLarge("more than \(Self.maximumPages) pages"))
    }

    /// The next page's URL. The credential goes to the configured host only.
    func following(_ target: String, _ call: IntegratorCall) throws(IntegratorFailure) -> String {
        guard let url = NextPage.url(target, root: settings.root) else {
            throw IntegratorFailure(
                action: call.action, cause: .input("the next page is not below \(settings.root), so it is not read"))
        }
        return url
    }

    func send(_ call: IntegratorCall) async throws(IntegratorFailure) -> HTTPResponse {
        try await send(call, url: settings.root + call.target)
    }

    func send(_ call: IntegratorCall, url: String) async throws(IntegratorFailure) -> HTTPResponse {
        let response: HTTPResponse
        do {
            response = try await http.send(request(call, url))
        } catch {
            throw IntegratorFailure(action: call.action, cause: .transport(error))
        }
        guard (200..<300).contains(response.status) else {
            var failure = IntegratorFailure(
                action: call.action, cause: .status(response.status),
                entries: IntegratorFailure.entries(of: response.body), retryAfter: response.header("Retry-After"))
            failure.root = settings.root
            throw failure
        }
        return response
    }

    private func request(_ call: IntegratorCall, _ url: String) -> HTTPRequest {
        var headers = [
            HTTPRequest.Header("Accept", "application/json"), HTTPRequest.Header("User-Agent", settings.userAgent),
        ]
        if call.method != "GET" { headers.append(HTTPRequest.Header("Content-Type", "application/json")) }
        if let credential = settings.credential {
            headers.append(HTTPRequest.Header(settings.credentialHeader, credential.exposed))
        }
        var request = HTTPRequest(
            method: call.method, url: url, headers: headers, body: call.body, timeout: settings.timeout,
            maximumResponseBytes: Self.maximumAnswerBytes, connection: settings.connection)
        // A second run must be decided on, never a side effect of the transport.
        request.isSentOnce = call.method != "GET"
        return request
    }

    func parsed(_ response: HTTPResponse, _ call: IntegratorCall) throws(IntegratorFailure) -> Value {
        guard !response.bodyIsTruncated else {
            throw IntegratorFailure(
                action: call.action, cause: .tooLarge("the answer has more than \(Self.maximumAnswerBytes >> 20) MiB"))
        }
        guard let json = try? JSONReader.parse(response.body) else { throw unreadable(call) }
        return json
    }

    func unreadable(_ call: IntegratorCall) -> IntegratorFailure {
        IntegratorFailure(action: call.action, cause: .unreadable)
    }
}

extension HTTPResponse {
    func headers(named name: String) -> [String] {
        headers.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
    }
}
