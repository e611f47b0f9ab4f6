import Curl
import Events

/// Asks Salesforce for a session, once. Who may ask, and how often, is `Authenticator`'s affair.
package struct SignIn: Sendable {
    static let tokenPath = "/services/oauth2/token"

    private let loginURL: LoginURL
    private let credentials: Credentials
    private let connection: ConnectionOptions
    private let http: any HTTPClient

    package init(
        loginURL: LoginURL, credentials: Credentials, connection: ConnectionOptions, http: any HTTPClient
    ) throws(SetupError) {
        try Self.check(loginURL, credentials)
        self.loginURL = loginURL
        self.credentials = credentials
        self.connection = connection
        self.http = http
    }

    private static func check(_ loginURL: LoginURL, _ credentials: Credentials) throws(SetupError) {
        guard loginURL.isSharedLoginHost else { return }
        switch credentials {
        case .clientCredentials:
            throw SetupError(
                "loginUrl \(loginURL) does not serve client credentials",
                fix: "Use your My Domain address, https://MyDomainName.my.salesforce.com (Setup > My Domain shows it).")
        case .accessToken(_, instanceURL: nil, _):
            throw SetupError(
                "loginUrl \(loginURL) does not tell which instance the access token belongs to",
                fix: "Write the My Domain address, https://MyDomainName.my.salesforce.com, as loginUrl or instanceUrl.")
        case .accessToken: return
        }
    }

    package func session() async throws(SignInError) -> Session {
        switch credentials {
        case .clientCredentials(let clientID, let clientSecret):
            return try await token(clientID: read(clientID), clientSecret: read(clientSecret))
        case .accessToken(let token, let instanceURL, let orgID):
            let token = try read(token)
            let instance = instanceURL ?? loginURL.description
            if let orgID { return Session(accessToken: token, instanceURL: instance, orgID: orgID) }
            return Session(
                accessToken: token, instanceURL: instance, orgID: try await self.orgID(of: token, at: instance))
        }
    }

    /// The org a token belongs to. Works with the `api` scope alone.
    package func orgID(of token: Secret, at instanceURL: String) async throws(SignInError) -> OrgID {
        let url = instanceURL + "/services/oauth2/userinfo"
        let response = try await send(
            HTTPRequest(
                url: url,
                headers: [.init("Authorization", "Bearer \(token.exposed)"), .init("Accept", "application/json")],
                connection: connection), url: url)
        if response.status == 401 || response.status == 403 {
            throw .refused(
                error: "HTTP \(response.status)", detail: "the access token is not valid",
                fix: "Supply a current token; it must have the scope 'api' and belong to this org.", url: url)
        }
        guard response.status == 200, let text = JSONObject(response.body)?["organization_id"], let org = OrgID(text)
        else { throw unexpected(response, url: url) }
        return org
    }

    private func token(clientID: Secret, clientSecret: Secret) async throws(SignInError) -> Session {
        let url = loginURL.description + Self.tokenPath
        let form = [
            ("grant_type", "client_credentials"), ("client_id", clientID.exposed),
            ("client_secret", clientSecret.exposed),
        ]
        let response = try await send(
            HTTPRequest(
                method: "POST", url: url,
                headers: [
                    .init("Content-Type", "application/x-www-form-urlencoded"), .init("Accept", "application/json"),
                ],
                body: Array(FormEncoding.encode(form).utf8), connection: connection), url: url)
        return try await session(from: response, url: url)
    }

    private func session(from response: HTTPResponse, url: String) async throws(SignInError) -> Session {
        let object = JSONObject(response.body)
        if response.status >= 400, let error = object?["error"] {
            throw SignInError(
                status: response.status, error: error, detail: object?["error_description"] ?? "", url: url)
        }
        guard response.status == 200, let object, let token = object["access_token"], !token.isEmpty,
            let instance = object["instance_url"]
        else { throw unexpected(response, url: url) }
        let instanceURL = instance.last == "/" ? String(instance.dropLast()) : instance
        let secret = Secret(token)
        if let orgID = object["id"].flatMap(OrgID.init(identityURL:)) {
            return Session(accessToken: secret, instanceURL: instanceURL, orgID: orgID)
        }
        return Session(
            accessToken: secret, instanceURL: instanceURL, orgID: try await orgID(of: secret, at: instanceURL))
    }

    private func send(_ request: HTTPRequest, url: String) async throws(SignInError) -> HTTPResponse {
        do {
            return try await http.send(request)
        } catch {
            throw .unreachable("cannot sign in at \(url): \(error.reason)\(Self.hint(error.kind))")
        }
    }

    private static func hint(_ kind: TransportError.Kind) -> String {
        switch kind {
        case .resolve: ". Check the host name in loginUrl, and DNS"
        case .certificate: ". If a proxy inspects TLS, name its CA file in tls.ca"
        case .proxy: ". Check the proxy's address"
        case .localFile: ". Check the files named in tls"
        default: ""
        }
    }

    private func unexpected(_ response: HTTPResponse, url: String) -> SignInError {
        if (300..<400).contains(response.status) || response.status == 404 {
            return .setup(
                SetupError(
                    "\(url) answered HTTP \(response.status) instead of a token",
                    fix: "Check that loginUrl is the org's My Domain address (https://MyDomainName.my.salesforce.com)."))
        }
        // Repeating what was refused may lock the user, whoever refused it.
        if [400, 401, 403].contains(response.status) {
            return .refused(
                error: "HTTP \(response.status)", detail: "",
                fix: "No reason was given: check clientId and clientSecret, and whether a proxy or firewall answers "
                    + "here.", url: url)
        }
        return .unreachable("cannot sign in at \(url): HTTP \(response.status) without a token in the answer")
    }

    private func read(_ secret: @Sendable () throws -> Secret) throws(SignInError) -> Secret {
        do {
            return try secret()
        } catch let error as SetupError {
            throw .setup(error)
        } catch {
            throw .setup(SetupError("\(error)", fix: "Mend the secret's reference in sluice.yaml."))
        }
    }
}
