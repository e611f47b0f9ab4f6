import Curl
import Events

/// Sign-ins at which a person is present: by browser on this machine, or by a code typed in on another.
package struct InteractiveSignIn: Sendable {
    /// What a sign-in gave; the grant goes into the store.
    package struct Result: Sendable {
        package var session: Session
        /// Nil if the app does not give refresh tokens.
        package var grant: StoredGrant?
    }

    package struct DeviceCode: Sendable {
        let deviceCode: Secret
        package let userCode: String
        package let verificationURI: String
        package let interval: Duration
    }

    /// Salesforce forgets a device code after ten minutes.
    static let devicePatience: Duration = .seconds(600)
    static let slowDown: Duration = .seconds(5)

    private let endpoint: TokenEndpoint
    private let clientID: Secret
    private let clientSecret: Secret?

    package init(
        loginURL: LoginURL, clientID: Secret, clientSecret: Secret?, connection: ConnectionOptions,
        http: any HTTPClient, time: TimeSource = .system
    ) {
        endpoint = TokenEndpoint(loginURL: loginURL, connection: connection, http: http, time: time)
        self.clientID = clientID
        self.clientSecret = clientSecret
    }

    package func authorization(redirectURI: String) -> AuthorizationRequest {
        AuthorizationRequest(loginURL: endpoint.loginURL, clientID: clientID, redirectURI: redirectURI)
    }

    package func finish(_ request: AuthorizationRequest, code: Secret) async throws(SignInError) -> Result {
        try await result(
            withSecret([
                ("grant_type", "authorization_code"), ("code", code.exposed), ("client_id", clientID.exposed),
                ("redirect_uri", request.redirectURI), ("code_verifier", request.verifier.exposed),
            ]))
    }

    package func startDevice(scope: String = "api refresh_token") async throws(SignInError) -> DeviceCode {
        let form = [("response_type", "device_code"), ("client_id", clientID.exposed), ("scope", scope)]
        let response = try await endpoint.post(form, to: endpoint.tokenURL)
        guard response.status == 200, case .record(let fields)? = try? JSONReader.parse(response.body),
            case .string(let device)? = fields["device_code"], case .string(let user)? = fields["user_code"],
            case .string(let uri)? = fields["verification_uri"]
        else {
            guard let object = JSONObject(response.body), let error = object["error"] else {
                throw TokenEndpoint.unexpected(response, url: endpoint.tokenURL)
            }
            throw SignInError(
                status: response.status, error: error, detail: object["error_description"] ?? "", url: endpoint.tokenURL
            )
        }
        var seconds: Int64 = 5
        if case .int(let number)? = fields["interval"], (1...60).contains(number) { seconds = number }
        return DeviceCode(
            deviceCode: Secret(device), userCode: user, verificationURI: uri, interval: .seconds(seconds))
    }

    /// Asks until the person has typed the code in, refused, or ten minutes are over.
    package func finish(_ code: DeviceCode) async throws(SignInError) -> Result {
        let form = withSecret([
            ("grant_type", "device"), ("client_id", clientID.exposed), ("code", code.deviceCode.exposed),
        ])
        let end = endpoint.time.monotonic() + Self.devicePatience
        var interval = code.interval
        while endpoint.time.monotonic() < end {
            do { try await endpoint.time.sleep(interval) } catch { throw .cancelled }
            do throws(SignInError) {
                return try await result(form)
            } catch {
                switch error {
                case .refused("authorization_pending", _, _, _): continue
                case .refused("slow_down", _, _, _): interval += Self.slowDown
                // A server that is not there for a moment loses nothing.
                case .unreachable where !Task.isCancelled, .limited where !Task.isCancelled: continue
                default: throw error
                }
            }
        }
        throw .setup(SetupError("nobody typed the code in within ten minutes", fix: "Start again."))
    }

    private func withSecret(_ form: [(String, String)]) -> [(String, String)] {
        clientSecret.map { form + [("client_secret", $0.exposed)] } ?? form
    }

    private func result(_ form: [(String, String)]) async throws(SignInError) -> Result {
        let grant = try await endpoint.grant(form)
        let session = try await endpoint.session(of: grant)
        let stored = grant.refreshToken.map { token in
            StoredGrant(
                refreshToken: token, instanceURL: grant.instanceURL, scope: grant.scope,
                obtainedAt: endpoint.time.wall())
        }
        return Result(session: session, grant: stored)
    }
}
