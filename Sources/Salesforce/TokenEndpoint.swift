import Curl
import Events

/// Posts to the OAuth endpoints of one org, and reads what they answer. Redirects are not followed.
struct TokenEndpoint: Sendable {
    let loginURL: LoginURL
    let connection: ConnectionOptions
    let http: any HTTPClient
    let time: TimeSource

    var tokenURL: String { loginURL.description + SignIn.tokenPath }

    /// - Parameter form: `grant_type` and what belongs to it.
    func grant(_ form: [(String, String)]) async throws(SignInError) -> TokenGrant {
        let response = try await post(form, to: tokenURL)
        let object = JSONObject(response.body)
        if response.status >= 400, let error = object?["error"] {
            throw refusal(response, error, object?["error_description"] ?? "", form)
        }
        guard response.status == 200, let object, let grant = TokenGrant(object) else {
            throw Self.unexpected(response, url: tokenURL)
        }
        return grant
    }

    /// The session of a grant; `userinfo` is asked for the org where the answer did not tell it.
    func session(of grant: TokenGrant) async throws(SignInError) -> Session {
        var orgID = grant.orgID
        if orgID == nil { orgID = try await identity(of: grant.accessToken, at: grant.instanceURL).orgID }
        guard let orgID else { preconditionFailure("userinfo told the org") }
        return Session(
            accessToken: grant.accessToken, instanceURL: grant.instanceURL, orgID: orgID, userID: grant.userID)
    }

    /// Whom a token belongs to. Works with the `api` scope alone.
    func identity(of token: Secret, at instanceURL: String) async throws(SignInError) -> UserIdentity {
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
        let object = JSONObject(response.body)
        guard response.status == 200, let object, let text = object["organization_id"], let org = OrgID(text) else {
            throw Self.unexpected(response, url: url)
        }
        return UserIdentity(orgID: org, userID: object["user_id"], username: object["preferred_username"])
    }

    func post(_ form: [(String, String)], to url: String) async throws(SignInError) -> HTTPResponse {
        let headers: [HTTPRequest.Header] = [
            .init("Content-Type", "application/x-www-form-urlencoded"), .init("Accept", "application/json"),
        ]
        var request = HTTPRequest(
            method: "POST", url: url, headers: headers, body: Array(FormEncoding.encode(form).utf8),
            connection: connection)
        // A rotating refresh token must not be shown twice.
        request.isSentOnce = form.contains { $0.0 == "refresh_token" }
        return try await send(request, url: url)
    }

    func send(_ request: HTTPRequest, url: String) async throws(SignInError) -> HTTPResponse {
        do {
            return try await http.send(request)
        } catch {
            throw .unreachable("cannot sign in at \(url): \(error.reason)\(Self.hint(error.kind))")
        }
    }

    private func refusal(
        _ response: HTTPResponse, _ error: String, _ detail: String, _ form: [(String, String)]
    ) -> SignInError {
        var detail = detail
        // Assertions are refused without a word about the clock.
        if form.contains(where: { $0.0 == "assertion" }),
            let date = response.header("Date").flatMap(HTTPDate.milliseconds)
        {
            let skew = (time.wall() - date) / 1000
            if abs(skew) >= 30 {
                detail += "; this machine's clock is \(abs(skew)) s \(skew > 0 ? "ahead of" : "behind") Salesforce's"
            }
        }
        return SignInError(status: response.status, error: error, detail: detail, url: tokenURL)
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

    static func unexpected(_ response: HTTPResponse, url: String) -> SignInError {
        if (300..<400).contains(response.status) || response.status == 404 {
            return .setup(
                SetupError(
                    "\(url) answered HTTP \(response.status) instead of a token",
                    fix: "Check that loginUrl is the org's My Domain address (https://MyDomainName.my.salesforce.com).")
            )
        }
        // Repeating what was refused may lock the user, whoever refused it.
        if [400, 401, 403].contains(response.status) {
            return .refused(
                error: "HTTP \(response.status)", detail: "",
                fix: "No reason was given: check clientId and clientSecret, and whether a proxy or firewall answers "
                    + "here.", url: url)
        }
        let reason = "cannot sign in at \(url): HTTP \(response.status) without a token in the answer"
        return response.status == 429 ? .limited(reason) : .unreachable(reason)
    }
}

/// What a token endpoint gives out.
struct TokenGrant: Sendable {
    let accessToken: Secret
    /// No trailing slash.
    let instanceURL: String
    let orgID: OrgID?
    let userID: String?
    let scope: String
    /// Web server and device flow; and a refresh, if the app rotates them.
    let refreshToken: Secret?

    init?(_ object: JSONObject) {
        guard let token = object["access_token"], !token.isEmpty, let instance = object["instance_url"] else {
            return nil
        }
        accessToken = Secret(token)
        instanceURL = instance.last == "/" ? String(instance.dropLast()) : instance
        orgID = object["id"].flatMap(OrgID.init(identityURL:))
        userID = orgID == nil ? nil : object["id"].flatMap { $0.split(separator: "/").last.map(String.init) }
        scope = object["scope"] ?? ""
        refreshToken = object["refresh_token"].map(Secret.init)
    }
}

package struct UserIdentity: Sendable, Equatable {
    package var orgID: OrgID
    package var userID: String?
    package var username: String?
}
