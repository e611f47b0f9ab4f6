import Events

/// How tokens are obtained. Secrets are read when needed, so that a rotated file is picked up.
package enum Credentials: Sendable {
    case clientCredentials(clientID: @Sendable () throws -> Secret, clientSecret: @Sendable () throws -> Secret)
    /// A token that somebody else obtains and renews. Missing parts are asked of `userinfo`.
    case accessToken(@Sendable () throws -> Secret, instanceURL: String?, orgID: OrgID?)
}
