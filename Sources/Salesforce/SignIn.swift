import Curl
import Events

/// Asks Salesforce for a session, once. Who may ask, and how often, is `Authenticator`'s affair.
package struct SignIn: Sendable {
    static let tokenPath = "/services/oauth2/token"

    private let loginURL: LoginURL
    private let credentials: Credentials
    private let endpoint: TokenEndpoint
    private let introspects: Bool

    /// - Parameter introspects: asks how long a token lasts, so that it is renewed before its end. One call more.
    package init(
        loginURL: LoginURL, credentials: Credentials, connection: ConnectionOptions, http: any HTTPClient,
        introspects: Bool = false, time: TimeSource = .system
    ) throws(SetupError) {
        try Self.check(loginURL, credentials)
        self.loginURL = loginURL
        self.credentials = credentials
        self.introspects = introspects
        endpoint = TokenEndpoint(loginURL: loginURL, connection: connection, http: http, time: time)
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
        case .accessToken, .jwtBearer, .refreshToken, .password: return
        }
    }

    package func session() async throws(SignInError) -> Session {
        switch credentials {
        case .clientCredentials(let clientID, let clientSecret):
            let secret = try read(clientSecret)
            let id = try read(clientID)
            let form = [
                ("grant_type", "client_credentials"), ("client_id", id.exposed), ("client_secret", secret.exposed),
            ]
            return await timed(try await session(form), id, secret)
        case .accessToken(let token, let instanceURL, let orgID):
            return try await supplied(read(token), instanceURL, orgID)
        case .jwtBearer(let jwt): return try await session(assertion(jwt))
        case .refreshToken(let refresh): return try await refreshed(refresh)
        case .password(let password): return try await signedIn(password)
        }
    }

    /// The org a token belongs to. Works with the `api` scope alone.
    package func orgID(of token: Secret, at instanceURL: String) async throws(SignInError) -> OrgID {
        try await endpoint.identity(of: token, at: instanceURL).orgID
    }

    private func supplied(
        _ token: Secret, _ instanceURL: String?, _ orgID: OrgID?
    ) async throws(SignInError) -> Session {
        let instance = instanceURL ?? loginURL.description
        if let orgID { return Session(accessToken: token, instanceURL: instance, orgID: orgID) }
        let identity = try await endpoint.identity(of: token, at: instance)
        return Session(accessToken: token, instanceURL: instance, orgID: identity.orgID, userID: identity.userID)
    }

    private func session(_ form: [(String, String)]) async throws(SignInError) -> Session {
        try await endpoint.session(of: endpoint.grant(form))
    }

    private func assertion(_ jwt: JWTCredentials) throws(SignInError) -> [(String, String)] {
        let (clientID, key) = (try read(jwt.clientID), try read(jwt.key))
        do throws(SetupError) {
            let assertion = try JWTAssertion(
                clientID: clientID, username: jwt.username, audience: jwt.audience ?? loginURL.sharedLoginHost
            ).signed(key, now: endpoint.time.wall())
            return [("grant_type", JWTAssertion.grantType), ("assertion", assertion.exposed)]
        } catch {
            throw .setup(error)
        }
    }

    private func signedIn(_ credentials: PasswordCredentials) async throws(SignInError) -> Session {
        let token = try credentials.securityToken.map { token throws(SignInError) in try read(token).exposed } ?? ""
        return try await session([
            ("grant_type", "password"), ("client_id", read(credentials.clientID).exposed),
            ("client_secret", read(credentials.clientSecret).exposed), ("username", credentials.username),
            ("password", read(credentials.password).exposed + token),
        ])
    }

    /// One process at a time: a refresh token that was rotated is refused, and may take the new one with it.
    private func refreshed(_ refresh: RefreshCredentials) async throws(SignInError) -> Session {
        let clientID = try read(refresh.clientID)
        let secret = try refresh.clientSecret.map { source throws(SignInError) in try read(source) }
        let lock = try await refresh.store.lock(endpoint.time)
        defer { lock.release() }
        let rotation: GrantRotation
        do throws(SetupError) {
            rotation = try GrantRotation(refresh.store, now: endpoint.time.wall())
        } catch {
            throw .setup(error)
        }
        var form = [
            ("grant_type", "refresh_token"), ("refresh_token", rotation.token.exposed), ("client_id", clientID.exposed),
        ]
        if let secret { form.append(("client_secret", secret.exposed)) }
        // Not broken off, whoever stops waiting: once the token is spent, the answer has the only one that is good.
        let exchange = Task { [endpoint, form, rotation] () -> Result<TokenGrant, SignInError> in
            var rotation = rotation
            let grant: TokenGrant
            do throws(SignInError) {
                grant = try await endpoint.grant(form)
            } catch {
                return .failure(rotation.explained(error))
            }
            do throws(SetupError) { try rotation.finish(grant) } catch { return .failure(.setup(error)) }
            return .success(grant)
        }
        let session = try await endpoint.session(of: await exchange.value.get())
        return await timed(session, clientID, secret)
    }

    /// Not being told is no failure: the session then lasts until it is refused.
    private func timed(_ session: Session, _ clientID: Secret, _ clientSecret: Secret?) async -> Session {
        guard introspects else { return session }
        var session = session
        let service = TokenService(endpoint, clientID: clientID, clientSecret: clientSecret)
        session.expiresAt = try? await service.introspect(session.accessToken, .accessToken).expiresAt
        return session
    }

    /// Another one once one of the secrets is; nil while one cannot be read. Good for this process only.
    var credentialMark: Int? {
        let sources: [Credentials.Source] =
            switch credentials {
            case .clientCredentials(let clientID, let clientSecret): [clientID, clientSecret]
            case .accessToken(let token, _, _): [token]
            case .jwtBearer(let jwt): [jwt.clientID, jwt.key]
            case .refreshToken(let refresh): [refresh.clientID] + [refresh.clientSecret].compactMap(\.self)
            case .password(let password):
                [password.clientID, password.clientSecret, password.password]
                    + [password.securityToken].compactMap(\.self)
            }
        var hasher = Hasher()
        if case .refreshToken(let refresh) = credentials {
            guard let grant = try? refresh.store.load() else { return nil }
            hasher.combine(grant.refreshToken.exposed)
        }
        for source in sources {
            guard let secret = try? source() else { return nil }
            hasher.combine(secret.exposed)
        }
        return hasher.finalize()
    }

    private func read(_ secret: Credentials.Source) throws(SignInError) -> Secret {
        do {
            return try secret()
        } catch let error as SetupError {
            throw .setup(error)
        } catch {
            throw .setup(SetupError("\(error)", fix: "Mend the secret's reference in sluice.yaml."))
        }
    }
}
