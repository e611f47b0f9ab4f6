import Curl

/// Why no access token could be had.
package enum SignInError: Error, Sendable, CustomStringConvertible {
    /// Salesforce refused, and will refuse again until somebody changes something. Repeating it can lock the user.
    case refused(error: String, detail: String, fix: String, url: String)
    /// The secret, token or address is unusable before anything was sent.
    case setup(SetupError)
    /// Not reached, or an answer that may be different next time.
    case unreachable(String)

    package var isRetryable: Bool {
        if case .unreachable = self { return true }
        return false
    }

    /// Counts against the user or the app in Salesforce: a token that merely is not valid does not.
    var isFailedLogin: Bool {
        if case .refused(_, _, _, let url) = self { return url.hasSuffix(SignIn.tokenPath) }
        return false
    }

    /// The caller's task was cancelled.
    static let cancelled = SignInError.unreachable("the sign-in was broken off")

    package var description: String {
        switch self {
        case .refused(let error, let detail, let fix, let url):
            "Salesforce refused to sign in at \(url): \(error)\(detail.isEmpty ? "" : " (\(detail))"). \(fix)"
        case .setup(let error): error.description
        case .unreachable(let reason): "\(reason). It will be tried again."
        }
    }

    /// Reads the `error` and `error_description` of a token endpoint (RFC 6749, section 5.2, with Salesforce's own values).
    init(status: Int, error: String, detail: String, url: String) {
        if status >= 500 || status == 429 || Self.passing.contains(error) {
            self = .unreachable("cannot sign in at \(url): HTTP \(status) \(error) \(detail)")
        } else {
            self = .refused(error: error, detail: detail, fix: Self.fix(error: error, detail: detail), url: url)
        }
    }

    /// `unknown_error` comes with "retry your request".
    private static let passing: Set = [
        "rate_limit_exceeded", "server_error", "temporarily_unavailable", "unknown_error",
    ]

    private static func fix(error: String, detail: String) -> String {
        let lowered = detail.lowercased()
        let known = fixes.first { $0.error == error && (lowered.contains($0.part) || $0.part.isEmpty) }
        return known?.fix ?? "Look the error up in Setup > Login History of the integration user."
    }

    /// First match wins; an empty part matches any description.
    private static let fixes: [(error: String, part: String, fix: String)] = [
        (
            "invalid_client_id", "",
            "Check clientId (the app's Consumer Key). A new app takes about 10 minutes to become known, and the key "
                + "belongs to one org: a sandbox has its own."
        ),
        ("invalid_client", "", "Check clientSecret (the app's Consumer Secret); it changes when somebody rotates it."),
        (
            "invalid_grant", "no client credentials user",
            "Set a Run As user: Setup > External Client App Manager (or App Manager) > your app > Policies > "
                + "Client Credentials Flow."
        ),
        (
            "invalid_grant", "not supported on this domain",
            "Client credentials work on the My Domain address only: set loginUrl to "
                + "https://MyDomainName.my.salesforce.com."
        ),
        (
            "invalid_grant", "ip restricted",
            "The app's or the user's policy refuses this machine's address: relax IP restrictions or add its range."
        ),
        (
            "invalid_grant", "inactive user",
            "The Run As user is deactivated: activate it or choose another in the app's policies."
        ),
        (
            "invalid_grant", "authentication failure",
            "Check the Run As user: locked, outside login hours, or outside its profile's IP ranges. "
                + "Setup > Login History says which."
        ),
        (
            "invalid_grant", "",
            "Check the Run As user and the app's policies; Setup > Login History names the cause."
        ),
        (
            "unsupported_grant_type", "",
            "Enable the Client Credentials Flow in the app's OAuth settings, and check that loginUrl is a My Domain "
                + "address."
        ),
        ("invalid_app_access", "", "Assign the app to the Run As user: its profile or a permission set."),
        ("inactive_org", "", "The org is locked or expired: sign in by browser to see why."),
        ("invalid_scope", "", "Add the scope 'Manage user data via APIs (api)' to the app."),
    ]
}
