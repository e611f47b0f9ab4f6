import Curl
import FoundationEssentials

/// Calls integrator.io's API.
package struct IntegratorClient: Sendable {
    /// A page of jobs holds so many at most; a shorter one is the last.
    static let jobsPerPage = 1001
    /// Later pages are not read.
    static let maximumJobPages = 5

    package let settings: IntegratorSettings
    private let http: any HTTPClient

    package init(settings: IntegratorSettings, http: any HTTPClient) {
        self.settings = settings
        self.http = http
    }

    package func tokenInfo() async throws(IntegratorFailure) -> IntegratorTokenInfo {
        try await read(IntegratorTokenInfo.self, "/tokenInfo", action: "check the API token")
    }

    package func flow(_ id: String) async throws(IntegratorFailure) -> IntegratorFlow {
        try await read(IntegratorFlow.self, "/flows/\(id)", action: "read flow \(id)")
    }

    package func export(_ id: String) async throws(IntegratorFailure) -> IntegratorExport {
        let action = "read export \(id)"
        let response = try await send("GET", "/exports/\(id)", action: action)
        return IntegratorExport(try decode(IntegratorExport.Wire.self, response, action: action), body: response.body)
    }

    package func connection(_ id: String) async throws(IntegratorFailure) -> IntegratorConnection {
        try await read(IntegratorConnection.self, "/connections/\(id)", action: "read connection \(id)")
    }

    /// Puts a run into the flow's queue.
    ///
    /// - Returns: the jobs; empty when integrator.io took the run without naming one.
    package func run(flow id: String, _ body: RunBody) async throws(IntegratorFailure) -> [String] {
        let response = try await send(
            "POST", "/flows/\(id)/run", body: body.bytes(settings.runBody), action: "run flow \(id)")
        return (try? JSONDecoder().decode(RunAnswer.self, from: Data(response.body)))?.jobs ?? []
    }

    package func job(_ id: String) async throws(IntegratorFailure) -> IntegratorJob {
        try await read(IntegratorJob.self, "/jobs/\(id)", action: "read job \(id)")
    }

    /// The newest job of each source of a flow, whoever started it.
    package func latestJobs(flow id: String) async throws(IntegratorFailure) -> [IntegratorJob] {
        try await jobs("/flows/\(id)/jobs/latest", action: "read the latest jobs of flow \(id)")
    }

    /// Jobs of a flow created at or after `since` (epoch milliseconds), newest first.
    ///
    /// This list is paged by the time of its last entry, and knows no `Link` header.
    package func jobs(flow id: String, since: Int64) async throws(IntegratorFailure) -> [IntegratorJob] {
        let path = "/jobs?_flowId=\(id)&createdAt_gte=\(ISOTime.text(since))"
        var all: [IntegratorJob] = []
        var before = ""
        for _ in 0..<Self.maximumJobPages {
            let page = try await jobs(path + before, action: "list the jobs of flow \(id)")
            all += page
            guard page.count >= Self.jobsPerPage, let last = page.last?.createdAt else { break }
            before = "&createdAt_lte=\(ISOTime.text(last - 1))"
        }
        return all
    }

    private func jobs(_ path: String, action: String) async throws(IntegratorFailure) -> [IntegratorJob] {
        let response = try await send("GET", path, action: action)
        // An empty list comes as 204 without a body.
        if response.status == 204 || response.body.isEmpty { return [] }
        if let job = try? decode(IntegratorJob.self, response, action: action) { return [job] }
        return try decode([IntegratorJob].self, response, action: action)
    }

    private func read<Content: Decodable>(
        _ type: Content.Type, _ path: String, action: String
    ) async throws(IntegratorFailure) -> Content {
        try decode(type, try await send("GET", path, action: action), action: action)
    }

    private func send(
        _ method: String, _ path: String, body: [UInt8] = [], action: String
    ) async throws(IntegratorFailure) -> HTTPResponse {
        var headers = [
            HTTPRequest.Header("Accept", "application/json"), HTTPRequest.Header("User-Agent", settings.userAgent),
        ]
        if method != "GET" { headers.append(HTTPRequest.Header("Content-Type", "application/json")) }
        if let credential = settings.credential {
            headers.append(HTTPRequest.Header(settings.credentialHeader, credential.exposed))
        }
        var request = HTTPRequest(
            method: method, url: settings.root + path, headers: headers, body: body, timeout: settings.timeout,
            maximumResponseBytes: 4 << 20, connection: settings.connection)
        // A second run must be decided on, never a side effect of the transport.
        request.isSentOnce = method != "GET"
        let response: HTTPResponse
        do {
            response = try await http.send(request)
        } catch {
            throw IntegratorFailure(action: action, cause: .transport(error))
        }
        guard (200..<300).contains(response.status) else {
            throw IntegratorFailure(
                action: action, cause: .status(response.status), entries: IntegratorFailure.entries(of: response.body),
                retryAfter: response.header("Retry-After"))
        }
        return response
    }

    private func decode<Content: Decodable>(
        _ type: Content.Type, _ response: HTTPResponse, action: String
    ) throws(IntegratorFailure) -> Content {
        guard let content = try? JSONDecoder().decode(type, from: Data(response.body)) else {
            throw IntegratorFailure(action: action, cause: .unreadable)
        }
        return content
    }
}
