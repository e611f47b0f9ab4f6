import Events

/// Where a refresh token is kept between runs.
package protocol GrantStore: Sendable {
    /// Nil before the first login.
    func load() throws(SetupError) -> StoredGrant?
    /// Durable when it returns.
    func save(_ grant: StoredGrant) throws(SetupError)
    func remove() throws(SetupError)
    /// Keeps other processes from using the token meanwhile.
    func lock(_ time: TimeSource) async throws(SignInError) -> any GrantLock
}

package protocol GrantLock: Sendable {
    func release()
}

/// What a login gave, as it is stored.
package struct StoredGrant: Sendable, Equatable {
    package var refreshToken: Secret
    package var instanceURL: String
    package var scope: String
    /// Epoch milliseconds.
    package var obtainedAt: Int64
    /// A refresh was begun then and its end is not stored: the token may have been rotated without us.
    package var refreshStartedAt: Int64?

    package init(
        refreshToken: Secret, instanceURL: String, scope: String, obtainedAt: Int64, refreshStartedAt: Int64? = nil
    ) {
        self.refreshToken = refreshToken
        self.instanceURL = instanceURL
        self.scope = scope
        self.obtainedAt = obtainedAt
        self.refreshStartedAt = refreshStartedAt
    }
}

/// One use of a refresh token: what it is replaced by is durable before the new session is used.
struct GrantRotation {
    private let store: any GrantStore
    private let now: Int64
    private var grant: StoredGrant
    private let interruptedAt: Int64?

    /// Notes that the token is about to be used, so that a crash in between can be told from a token that expired.
    init(_ store: any GrantStore, now: Int64) throws(SetupError) {
        guard let stored = try store.load() else {
            throw SetupError(
                "no refresh token is stored yet", fix: "Run `sluice salesforce login` once, on this machine.")
        }
        self.store = store
        self.now = now
        grant = stored
        interruptedAt = stored.refreshStartedAt
        grant.refreshStartedAt = now
        try store.save(grant)
    }

    var token: Secret { grant.refreshToken }

    mutating func finish(_ answer: TokenGrant) throws(SetupError) {
        if let token = answer.refreshToken {
            grant.refreshToken = token
            grant.obtainedAt = now
        }
        grant.instanceURL = answer.instanceURL
        grant.refreshStartedAt = nil
        try store.save(grant)
    }

    /// A refusal after an interrupted rotation has a cause that Salesforce cannot tell.
    func explained(_ error: SignInError) -> SignInError {
        guard let interruptedAt, case .refused(let code, let detail, _, let url) = error, code == "invalid_grant" else {
            return error
        }
        return .refused(
            error: code, detail: detail,
            fix:
                "An earlier refresh (\(Timestamp.rfc3339(interruptedAt))) was cut off before its answer was stored. If "
                + "the app rotates refresh tokens, that spent this one: run `sluice salesforce login` again.", url: url)
    }
}
