import Curl
import Events

/// Calls FlowMate's management API.
package struct FlowMateClient: Sendable {
    /// Lists of users come whole, and flows with their graphs: larger answers are refused.
    static let maximumAnswerBytes = 32 << 20

    package let settings: FlowMateSettings
    private let http: any HTTPClient

    package init(settings: FlowMateSettings, http: any HTTPClient) {
        self.settings = settings
        self.http = http
    }

    /// Reads one flow.
    ///
    /// - Returns: nil when FlowMate has no flow of this ID.
    package func flow(_ id: String) async throws(FlowMateError) -> FlowMateFlow? {
        try await describedFlow(id)?.content
    }

    /// Reads one flow with everything that FlowMate says of it.
    ///
    /// - Returns: nil when FlowMate has no flow of this ID.
    package func describedFlow(_ id: String) async throws(FlowMateError) -> FlowMateAnswer<FlowMateFlow>? {
        let call = FlowMateCall(path: settings.paths.flows + "/" + id, action: "read flow …\(id.suffix(4))")
        let json: Value
        do {
            json = try await answer(call)
        } catch {
            // A gateway's 404 (a wrong path) must not pass for a deleted flow.
            if error.status == 404, error.text.lowercased().contains("no flow") { return nil }
            throw error
        }
        guard let document = json["data"], let flow = FlowMateFlow(document) else { throw unreadable(call) }
        return FlowMateAnswer(flow, json: document)
    }

    /// The cheapest call that shows that address and token are right.
    ///
    /// - Returns: how many flows the token sees.
    package func countFlows() async throws(FlowMateError) -> Int {
        // Page numbers start at 1: FlowMate never answers a request for page 0.
        let call = FlowMateCall(
            path: settings.paths.flows, query: [("page[size]", "1"), ("page[number]", "1")], action: "list flows")
        guard let total = try await answer(call)["meta"]?["total"]?.integer else { throw unreadable(call) }
        return Int(clamping: total)
    }

    // MARK: Calling

    /// The JSON of a 2xx answer.
    func answer(_ call: FlowMateCall) async throws(FlowMateError) -> Value {
        let response = try await send(call)
        guard !response.bodyIsTruncated else {
            throw FlowMateError(
                action: call.action, cause: .tooLarge, text: "more than \(Self.maximumAnswerBytes >> 20) MiB")
        }
        guard let json = try? JSONReader.parse(response.body) else { throw unreadable(call) }
        return json
    }

    /// Any 2xx answer.
    func send(_ call: FlowMateCall) async throws(FlowMateError) -> HTTPResponse {
        let response: HTTPResponse
        do {
            response = try await http.send(request(call))
        } catch {
            throw FlowMateError(action: call.action, cause: .transport(error), text: "")
        }
        guard (200..<300).contains(response.status) else {
            throw FlowMateError(
                action: call.action, cause: .status(response.status), text: FlowMateError.text(of: response),
                retryAfter: response.header("Retry-After"))
        }
        return response
    }

    func unreadable(_ call: FlowMateCall) -> FlowMateError {
        FlowMateError(action: call.action, cause: .unreadable, text: "")
    }

    private func request(_ call: FlowMateCall) -> HTTPRequest {
        var headers = [
            HTTPRequest.Header("Accept", "application/json"), HTTPRequest.Header("User-Agent", settings.userAgent),
        ]
        if call.body != nil { headers.append(HTTPRequest.Header("Content-Type", "application/json")) }
        if call.carriesCredential { headers += settings.credentialHeaders }
        var request = HTTPRequest(
            method: call.method, url: settings.baseURL + call.target, headers: headers, body: call.bodyBytes,
            timeout: settings.timeout, maximumResponseBytes: Self.maximumAnswerBytes, connection: settings.connection)
        // Starting, stopping and impersonating are decided on, never a side effect of the transport.
        request.isSentOnce = call.method != "GET" && call.method != "HEAD"
        return request
    }
}
