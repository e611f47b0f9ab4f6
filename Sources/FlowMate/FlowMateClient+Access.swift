import Events

/// A token that FlowMate gave: opaque, 171 characters in the open source.
package struct FlowMateToken: Sendable, Equatable {
    package var token: Secret
    /// Of the token or the user, as FlowMate names it; not every call tells it.
    package var id: String?

    package init(token: Secret, id: String? = nil) {
        self.token = token
        self.id = id
    }

    init?(_ json: Value) {
        guard let token = json["token"]?.text, !token.isEmpty else { return nil }
        self.init(token: Secret(token), id: json.documentID)
    }
}

/// What a user's flows sign in with elsewhere, given along with an impersonation.
package enum FlowMateCredential: Sendable, Equatable {
    case apiKey(key: Secret, headerName: String?)
    case basic(username: String, passphrase: Secret)
    case oauth2(accessToken: Secret, refreshToken: Secret, expiresIn: Int64?, scope: String?)
    case session(inputFields: Fields, accessToken: Secret)

    var json: Value {
        var fields = Fields()
        switch self {
        case .apiKey(let key, let headerName):
            fields.append("key", .string(key.exposed))
            if let headerName { fields.append("headerName", .string(headerName)) }
        case .basic(let username, let passphrase):
            fields.append("username", .string(username))
            fields.append("passphrase", .string(passphrase.exposed))
        case .oauth2(let accessToken, let refreshToken, let expiresIn, let scope):
            fields.append("access_token", .string(accessToken.exposed))
            fields.append("refresh_token", .string(refreshToken.exposed))
            if let expiresIn { fields.append("expires_in", .int(expiresIn)) }
            if let scope { fields.append("scope", .string(scope)) }
        case .session(let inputFields, let accessToken):
            fields.append("inputFields", .record(inputFields))
            fields.append("accessToken", .string(accessToken.exposed))
        }
        return .record(fields)
    }
}

/// Tokens. There is no logout: it ends one session of the account, which may be another process's.
extension FlowMateClient {
    /// A token that acts for one user. **Creates the user when the name is new**, so it is no way to look one up.
    ///
    /// - Parameter username: the ID that your system gave.
    package func impersonate(
        creatingIfNew username: String, credential: FlowMateCredential? = nil
    ) async throws(FlowMateError) -> FlowMateToken {
        var body: Fields = ["username": .string(username)]
        if let credential { body.append("credential", credential.json) }
        return try await token(
            FlowMateCall(
                method: "POST", path: settings.paths.impersonate, body: .record(body),
                action: "act for user '\(username)'"))
    }

    /// Signs in with a password. The token lives a few hours since its last use.
    package func logIn(username: String, password: Secret) async throws(FlowMateError) -> FlowMateToken {
        let body: Fields = ["username": .string(username), "password": .string(password.exposed)]
        return try await token(
            FlowMateCall(
                method: "POST", path: settings.paths.login, body: .record(body), action: "log in as '\(username)'",
                carriesCredential: false))
    }

    /// Puts off the expiry of the token in use. It stays the same token.
    package func refreshToken() async throws(FlowMateError) -> FlowMateToken {
        try await token(FlowMateCall(path: settings.paths.tokens + "/refresh", action: "refresh the token"))
    }

    /// Makes a token that does not expire, for a relay to hold instead of a password.
    package func createToken(account: String, description: String) async throws(FlowMateError) -> FlowMateToken {
        let body: Fields = [
            "accountId": .string(account), "expiresIn": .int(-1), "description": .string(description),
        ]
        return try await token(
            FlowMateCall(
                method: "POST", path: settings.paths.tokens, body: .record(body),
                action: "create a token for account \(account)"))
    }

    private func token(_ call: FlowMateCall) async throws(FlowMateError) -> FlowMateToken {
        guard let token = FlowMateToken(try await answer(call)) else { throw unreadable(call) }
        return token
    }
}
