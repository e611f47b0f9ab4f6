import Curl

/// Why no access token could be had.
package enum SignInError: Error, Sendable, CustomStringConvertible {
    /// Salesforce refused, and will refuse again until somebody changes something. Repeating it can lock the user.
    case refused(error: String, detail: String, fix: String, url: String)
    /// The secret, token or address is unusable before anything was sent.
    case setup(SetupError)
    /// Not reached, or an answer that may be different next time.
    case unreachable(String)
    /// Too many sign-ins: each one more makes the wait longer.
    case limited(String)

    package var isRetryable: Bool {
        switch self {
        case .unreachable, .limited: true
        case .refused, .setup: false
        }
    }

    /// Counts against the user or the app in Salesforce: a token that merely is not valid does not.
    package var isFailedLogin: Bool {
        switch self {
        case .refused(_, _, _, let url): url.hasSuffix(SignIn.tokenPath)
        case .limited: true
        case .setup, .unreachable: false
        }
    }

    /// The caller's task was cancelled.
    static let cancelled = SignInError.unreachable("the sign-in was broken off")

    package var description: String {
        switch self {
        case .refused(let error, let detail, let fix, let url):
            "Salesforce refused to sign in at \(url): \(error)\(detail.isEmpty ? "" : " (\(detail))"). \(fix)"
        case .setup(let error): error.description
        case .unreachable(let reason), .limited(let reason): "\(reason). It will be tried again."
        }
    }

    /// Reads the `error` and `error_description` of a token endpoint (RFC 6749, section 5.2, with Salesforce's own
    /// values).
    init(status: Int, error: String, detail: String, url: String) {
        if status == 429 || error == "rate_limit_exceeded" {
            self = .limited("too many sign-ins at \(url): HTTP \(status) \(error) \(detail)")
        } else if status >= 500 || Self.passing.contains(error) {
            self = .unreachable("cannot sign in at \(url): HTTP \(status) \(error) \(detail)")
        } else {
            let fix = SignInFixes.fix(error: error, detail: detail)
            self = .refused(error: error, detail: detail, fix: fix, url: url)
        }
    }

    /// `unknown_error` comes with "retry your request".
    private static let passing: Set = [
        "server_error", "temporarily_unavailable", "unknown_error",
    ]
}
