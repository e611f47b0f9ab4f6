import Events

/// How an org is signed in to. Secrets are still references.
package enum AuthConfiguration: Sendable, Equatable {
    case clientCredentials(clientID: TextOrSecret, clientSecret: SecretReference)
    case accessToken(SecretReference, instanceURL: String?, tenantID: String?)
    case jwtBearer(clientID: TextOrSecret, username: String, key: SecretReference, audience: String?)
    case refreshToken(RefreshTokenConfiguration)
    case password(PasswordConfiguration)

    /// Everything that has to be had before anything is sent.
    package var references: [SecretReference] {
        switch self {
        case .clientCredentials(let clientID, let clientSecret): clientID.references + [clientSecret]
        case .accessToken(let token, _, _): [token]
        case .jwtBearer(let clientID, _, let key, _): clientID.references + [key]
        case .refreshToken(let refresh):
            refresh.clientID.references + [refresh.tokenKey] + (refresh.clientSecret.map { [$0] } ?? [])
        case .password(let password):
            password.clientID.references + [password.clientSecret, password.password]
                + (password.securityToken.map { [$0] } ?? [])
        }
    }
}

/// For `sluice salesforce login`, which puts the token into the file.
package struct RefreshTokenConfiguration: Sendable, Equatable {
    package static let defaultCallback = "http://localhost:1717/callback"

    package var clientID: TextOrSecret
    package var clientSecret: SecretReference?
    /// 32 bytes, base64 or hex, under which the file is encrypted.
    package var tokenKey: SecretReference
    package var tokenFile: String
    /// Loopback address; also stands in the app.
    package var callback = defaultCallback

    package init(
        clientID: TextOrSecret, clientSecret: SecretReference? = nil, tokenKey: SecretReference, tokenFile: String
    ) {
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.tokenKey = tokenKey
        self.tokenFile = tokenFile
    }
}

package struct PasswordConfiguration: Sendable, Equatable {
    package var clientID: TextOrSecret
    package var clientSecret: SecretReference
    package var username: String
    package var password: SecretReference
    package var securityToken: SecretReference?

    package init(
        clientID: TextOrSecret, clientSecret: SecretReference, username: String, password: SecretReference,
        securityToken: SecretReference? = nil
    ) {
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.username = username
        self.password = password
        self.securityToken = securityToken
    }
}

/// A value that may stand in the file, or be kept outside.
package enum TextOrSecret: Sendable, Equatable {
    case text(String)
    case reference(SecretReference)

    package var references: [SecretReference] {
        if case .reference(let reference) = self { [reference] } else { [] }
    }
}

/// What to do when a sign-in leads to another org than before: a sandbox was refreshed.
package enum OrgChangeConfiguration: String, Sendable, CaseIterable { case stop, follow }

/// How the REST API is used.
package struct RESTConfiguration: Sendable, Equatable {
    /// Percent of the org's daily API calls, everybody's counted, beyond which none is made.
    package var dailyShare = 50
    /// `62.0`
    package var apiVersion: String?
    package var clientName: String?
    package var concurrency = 5
    /// Snapshots, backfills and re-reads of so many records or more read by Bulk API 2.0; 0 is never.
    package var bulkFrom = 100_000

    package init() {}
}
