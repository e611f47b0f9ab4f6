import Events

/// How tokens are obtained. Secrets are read when needed, so that a rotated file is picked up.
package enum Credentials: Sendable {
    package typealias Source = @Sendable () throws -> Secret

    case clientCredentials(clientID: Source, clientSecret: Source)
    /// A token that somebody else obtains and renews. Missing parts are asked of `userinfo`.
    case accessToken(Source, instanceURL: String?, orgID: OrgID?)
    case jwtBearer(JWTCredentials)
    /// After `sluice salesforce login`, which stored the refresh token.
    case refreshToken(RefreshCredentials)
    /// Salesforce is closing this flow: new orgs block it, External Client Apps do not know it.
    case password(PasswordCredentials)
}

/// A key whose certificate the app knows, and a user who is allowed for it in advance.
package struct JWTCredentials: Sendable {
    package var clientID: Credentials.Source
    package var username: String
    /// PEM text of an RSA private key.
    package var key: Credentials.Source
    /// `aud`; nil takes `https://login.salesforce.com`, or `https://test.salesforce.com` for a sandbox.
    package var audience: String?

    package init(
        clientID: @escaping Credentials.Source, username: String, key: @escaping Credentials.Source, audience: String?
    ) {
        self.clientID = clientID
        self.username = username
        self.key = key
        self.audience = audience
    }
}

package struct RefreshCredentials: Sendable {
    package var clientID: Credentials.Source
    /// Nil for an app that needs none.
    package var clientSecret: Credentials.Source?
    package var store: any GrantStore

    package init(
        clientID: @escaping Credentials.Source, clientSecret: Credentials.Source?, store: any GrantStore
    ) {
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.store = store
    }
}

package struct PasswordCredentials: Sendable {
    package var clientID: Credentials.Source
    package var clientSecret: Credentials.Source
    package var username: String
    package var password: Credentials.Source
    /// Not needed from a trusted address.
    package var securityToken: Credentials.Source?

    package init(
        clientID: @escaping Credentials.Source, clientSecret: @escaping Credentials.Source, username: String,
        password: @escaping Credentials.Source, securityToken: Credentials.Source?
    ) {
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.username = username
        self.password = password
        self.securityToken = securityToken
    }
}
