import Curl
import FoundationEssentials

/// Calls FlowMate's management API.
package struct FlowMateClient: Sendable {
    package let settings: FlowMateSettings
    private let http: any HTTPClient

    package init(settings: FlowMateSettings, http: any HTTPClient) {
        self.settings = settings
        self.http = http
    }

    private struct Single: Decodable { var data: FlowMateFlow }

    private struct Page: Decodable {
        struct Meta: Decodable { var total: Int }
        var meta: Meta
    }

    /// Reads one flow.
    ///
    /// - Returns: nil when FlowMate has no flow of this ID.
    package func flow(_ id: String) async throws(FlowMateError) -> FlowMateFlow? {
        let action = "read flow \(id)"
        let response: HTTPResponse
        do {
            response = try await get(settings.paths.flows + "/" + id, action: action)
        } catch {
            // A gateway's 404 (a wrong path) must not pass for a deleted flow.
            if error.status == 404, error.text.lowercased().contains("no flow") { return nil }
            throw error
        }
        return try decode(Single.self, from: response, action: action).data
    }

    /// The cheapest call that shows that address and token are right.
    ///
    /// - Returns: how many flows the token sees.
    package func countFlows() async throws(FlowMateError) -> Int {
        let action = "list flows"
        // Page numbers start at 1: FlowMate never answers a request for page 0.
        let response = try await get(settings.paths.flows + "?page%5Bsize%5D=1&page%5Bnumber%5D=1", action: action)
        return try decode(Page.self, from: response, action: action).meta.total
    }

    private func get(_ path: String, action: String) async throws(FlowMateError) -> HTTPResponse {
        let headers =
            [
                HTTPRequest.Header("Accept", "application/json"),
                HTTPRequest.Header("User-Agent", settings.userAgent),
            ] + settings.credentialHeaders
        let request = HTTPRequest(
            url: settings.baseURL + path, headers: headers, timeout: settings.timeout, connection: settings.connection)
        let response: HTTPResponse
        do {
            response = try await http.send(request)
        } catch {
            throw FlowMateError(action: action, cause: .transport(error), text: "")
        }
        guard (200..<300).contains(response.status) else {
            throw FlowMateError(
                action: action, cause: .status(response.status), text: FlowMateError.text(of: response),
                retryAfter: response.header("Retry-After"))
        }
        return response
    }

    private func decode<Content: Decodable>(
        _ type: Content.Type, from response: HTTPResponse, action: String
    ) throws(FlowMateError) -> Content {
        guard let content = try? JSONDecoder().decode(type, from: Data(response.body)) else {
            throw FlowMateError(action: action, cause: .unreadable, text: "")
        }
        return content
    }
}
