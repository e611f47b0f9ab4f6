import Curl
import Events

/// What can be done with tokens beside getting them.
package struct TokenService: Sendable {
    package enum Kind: String, Sendable {
        case accessToken = "access_token"
        case refreshToken = "refresh_token"
    }

    package struct State: Sendable, Equatable {
        package var isActive: Bool
        package var username: String?
        package var clientID: String?
        package var scope: String?
        /// Epoch milliseconds.
        package var expiresAt: Int64?
    }

    private let endpoint: TokenEndpoint
    private let clientID: Secret
    private let clientSecret: Secret?

    init(_ endpoint: TokenEndpoint, clientID: Secret, clientSecret: Secret?) {
        self.endpoint = endpoint
        self.clientID = clientID
        self.clientSecret = clientSecret
    }

    package init(
        loginURL: LoginURL, clientID: Secret, clientSecret: Secret?, connection: ConnectionOptions,
        http: any HTTPClient,
        time: TimeSource = .system
    ) {
        self.init(
            TokenEndpoint(loginURL: loginURL, connection: connection, http: http, time: time), clientID: clientID,
            clientSecret: clientSecret)
    }

    /// RFC 7662.
    package func introspect(_ token: Secret, _ kind: Kind) async throws(SignInError) -> State {
        let url = endpoint.loginURL.description + "/services/oauth2/introspect"
        var form = [("token", token.exposed), ("token_type_hint", kind.rawValue), ("client_id", clientID.exposed)]
        if let clientSecret { form.append(("client_secret", clientSecret.exposed)) }
        let response = try await endpoint.post(form, to: url)
        guard response.status == 200, case .record(let fields)? = try? JSONReader.parse(response.body),
            case .bool(let isActive)? = fields["active"]
        else { throw failure(response, url) }
        func text(_ name: String) -> String? {
            if case .string(let text)? = fields[name] { text } else { nil }
        }
        var expiresAt: Int64?
        if case .int(let seconds)? = fields["exp"], (0..<Int64.max / 1000).contains(seconds) { expiresAt = seconds * 1000 }
        return State(
            isActive: isActive, username: text("username"), clientID: text("client_id"), scope: text("scope"),
            expiresAt: expiresAt)
    }

    /// RFC 7009. Revoking a refresh token ends its access tokens too.
    ///
    /// - Returns: false if Salesforce did not know the token any more.
    package func revoke(_ token: Secret) async throws(SignInError) -> Bool {
        let url = endpoint.loginURL.description + "/services/oauth2/revoke"
        let response = try await endpoint.post([("token", token.exposed)], to: url)
        if response.status == 200 { return true }
        let error = JSONObject(response.body)?["error"]
        guard response.status == 400, error == "invalid_token" || error == "unsupported_token_type" else {
            throw failure(response, url)
        }
        return false
    }

    private func failure(_ response: HTTPResponse, _ url: String) -> SignInError {
        guard let object = JSONObject(response.body), let error = object["error"] else {
            return TokenEndpoint.unexpected(response, url: url)
        }
        return SignInError(status: response.status, error: error, detail: object["error_description"] ?? "", url: url)
    }
}
