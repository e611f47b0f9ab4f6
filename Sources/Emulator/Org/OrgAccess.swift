import DequeModule

/// Who may call the emulated org: one client with its secret, and the tokens it was given.
struct OrgAccess: Sendable {
    /// Older tokens stop working.
    static let maximumTokens = 100

    let clientID: String
    let clientSecret: String
    private(set) var organizationID: String
    /// A token that never ends, for clients that bring their own.
    let fixedToken: String?
    /// Without a slash at the end. Known once the HTTP server listens.
    var instanceURL = ""
    private var tokens: Deque<String> = []
    var grants = OAuthGrants()

    init(clientID: String, clientSecret: String, organizationID: String, fixedToken: String?) {
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.organizationID = organizationID
        self.fixedToken = fixedToken
    }

    /// `00D…!…`, the opaque form.
    mutating func issueToken(_ random: inout SeededRandom) -> String {
        let token = organizationID.prefix(15) + "!AQ" + random.hexDigits(88)
        tokens.append(String(token))
        if tokens.count > Self.maximumTokens { tokens.removeFirst() }
        return String(token)
    }

    /// Ends every issued token; the fixed one stays.
    mutating func revokeAll() { tokens.removeAll() }

    /// One token, or a refresh token with everything that it gave.
    mutating func revoke(_ token: String) -> Bool {
        if grants.refresh.remove(token) != nil {
            revokeAll()
            return true
        }
        guard let place = tokens.firstIndex(of: token) else { return false }
        tokens.remove(at: place)
        return true
    }

    /// The sandbox was refreshed: another org, at the same address and with the same app.
    mutating func refresh(as organization: String) {
        organizationID = organization
        revokeAll()
    }

    func isValid(token: String) -> Bool { token == fixedToken || tokens.contains(token) }

    /// - Parameter header: the value of a metadata key, nil when it is not there.
    func check(_ header: (String) -> String?) throws(PubSubFailure) {
        guard let token = header("accesstoken"), !token.isEmpty else { throw .missingHeader("accesstoken") }
        guard let instance = header("instanceurl"), !instance.isEmpty else { throw .missingHeader("instanceurl") }
        guard let tenant = header("tenantid"), !tenant.isEmpty else { throw .missingHeader("tenantid") }
        guard isValid(token: token), Self.sameHost(instance, instanceURL),
            tenant == organizationID || tenant == organizationID.prefix(15)
        else { throw .sessionInvalid }
    }

    private static func sameHost(_ left: String, _ right: String) -> Bool { normal(left) == normal(right) }

    private static func normal(_ url: String) -> Substring {
        let rest = url.hasPrefix("http://localhost") ? "http://127.0.0.1" + url.dropFirst(16) : url
        return rest[...]
    }
}
