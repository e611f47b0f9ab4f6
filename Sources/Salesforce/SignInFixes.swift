/// For each refusal of a token endpoint, what mends it and where. Source: Salesforce Help, OAuth error codes.
enum SignInFixes {
    static func fix(error: String, detail: String) -> String {
        let lowered = detail.lowercased()
        let known = fixes.first { $0.error == error && (lowered.contains($0.part) || $0.part.isEmpty) }
        return known?.fix ?? "Look the error up in Setup > Login History of the integration user."
    }

    private static let app = "Setup > External Client App Manager (or App Manager) > your app"

    /// First match wins; an empty part matches any description.
    private static let fixes: [(error: String, part: String, fix: String)] = [
        (
            "invalid_client_id", "",
            "Check clientId (the app's Consumer Key). A new app takes about 10 minutes to become known, and the key "
                + "belongs to one org: a sandbox has its own."
        ),
        ("invalid_client", "", "Check clientSecret (the app's Consumer Secret); it changes when somebody rotates it."),
        (
            "invalid_client_credentials", "",
            "Check clientSecret (the app's Consumer Secret); it changes when somebody rotates it."
        ),
        (
            "invalid_grant", "no client credentials user",
            "Set a Run As user: \(app) > Policies > Client Credentials Flow."
        ),
        (
            "invalid_grant", "not supported on this domain",
            "Client credentials work on the My Domain address only: set loginUrl to "
                + "https://MyDomainName.my.salesforce.com."
        ),
        (
            "invalid_grant", "hasn't approved",
            "Allow the user in advance: \(app) > Policies > Permitted Users: 'Admin approved users are "
                + "pre-authorized', and give the user the app by a permission set or profile."
        ),
        (
            "invalid_grant", "admin approved",
            "Give the user the app by a permission set or profile: \(app) > Policies."
        ),
        (
            "invalid_grant", "audience",
            "Correct audience of jwtBearer: https://login.salesforce.com, https://test.salesforce.com for a sandbox, "
                + "or the address of the Experience Cloud site."
        ),
        (
            "invalid_grant", "assertion",
            "Check that clientId and username belong to this org, that the certificate of this very key is uploaded to "
                + "the app (Use digital signatures), and this machine's clock: an assertion is good for 3 minutes."
        ),
        (
            "invalid_grant", "authorization code",
            "A code can be used once, and for about 15 minutes: run `sluice salesforce login` again."
        ),
        ("invalid_grant", "code verifier", "Run `sluice salesforce login` again: PKCE binds a code to one login."),
        (
            "invalid_grant", "expired access/refresh token",
            "The refresh token was revoked, expired by the app's policy, or pushed out by newer logins (a user has "
                + "five for an app): run `sluice salesforce login` again."
        ),
        (
            "invalid_grant", "ip restricted",
            "The app's or the user's policy refuses this machine's address: relax IP restrictions in \(app) > "
                + "Policies, or add its range to the profile."
        ),
        (
            "invalid_grant", "inactive user",
            "The user (Run As user, with client credentials) is deactivated: activate it in Setup > Users, or choose "
                + "another."
        ),
        (
            "invalid_grant", "authentication failure",
            "Check the user (Run As user, with client credentials): locked, outside login hours, outside its profile's "
                + "IP ranges, or a wrong password or security token. Setup > Login History says which."
        ),
        (
            "invalid_grant", "",
            "Check the user (Run As user, with client credentials) and the app's policies; Setup > Login History names "
                + "the cause."
        ),
        (
            "invalid_request", "",
            "Salesforce misses a parameter that this flow needs; the app may ask for a secret or for PKCE: compare "
                + "\(app) > OAuth Settings with `auth` in sluice.yaml."
        ),
        (
            "unsupported_grant_type", "",
            "Enable the flow in the app's OAuth settings (for client credentials, Enable Client Credentials Flow), and "
                + "check that loginUrl is a My Domain address. External Client Apps do not know username-password."
        ),
        (
            "invalid_app_access", "",
            "Assign the app to the user (Run As user, with client credentials): its profile or a permission set."
        ),
        ("inactive_org", "", "The org is locked or expired: sign in by browser to see why."),
        (
            "invalid_scope", "",
            "Add the scope 'Manage user data via APIs (api)' to the app; for login also 'refresh_token'."
        ),
        (
            "redirect_uri_mismatch", "",
            "Add the callback address that was printed to \(app) > OAuth Settings > Callback URL, letter by letter."
        ),
        (
            "unsupported_response_type", "",
            "Enable the flow in the app's OAuth settings; the device flow is closed for apps that are not installed."
        ),
        ("access_denied", "", "The person at the browser refused, or the user may not use the app: \(app) > Policies."),
        ("immediate_unsuccessful", "", "Nobody is signed in in that browser: sign in, then start again."),
        ("authorization_pending", "", "Type the code in at the address that was shown."),
        ("slow_down", "", "Ask less often."),
    ]
}
