import Crypto
import Events

/// One sign-in by browser: the web server flow with PKCE (RFC 7636, S256).
package struct AuthorizationRequest: Sendable {
    /// For the browser.
    package let url: String
    package let redirectURI: String
    /// Proves at the token endpoint that the code came to who asked for it.
    let verifier: Secret
    private let state: String

    /// - Parameter redirectURI: exactly as it stands in the app, `http://localhost:1717/callback`.
    package init(
        loginURL: LoginURL, clientID: Secret, redirectURI: String, scope: String = "api refresh_token"
    ) {
        self.redirectURI = redirectURI
        // 32 bytes are 43 characters, the least that is allowed.
        verifier = Secret(Self.random(32))
        state = Self.random(16)
        let query = [
            ("response_type", "code"), ("client_id", clientID.exposed), ("redirect_uri", redirectURI),
            ("scope", scope), ("state", state), ("code_challenge", Self.challenge(verifier)),
            ("code_challenge_method", "S256"),
        ]
        url = "\(loginURL)/services/oauth2/authorize?\(FormEncoding.encode(query))"
    }

    static func challenge(_ verifier: Secret) -> String {
        Base64.encodeURL(Array(SHA256.hash(data: Array(verifier.exposed.utf8))))
    }

    /// The code that the browser brought back.
    ///
    /// - Parameter query: of the callback's address, without the question mark.
    package func code(fromCallback query: String) throws(SignInError) -> Secret {
        let values = FormEncoding.decode(query)
        guard let returned = values["state"], Self.areEqual(returned, state) else {
            throw .setup(
                SetupError(
                    "the browser came back with an answer to another request",
                    fix: "Start again, and use the address that was printed last."))
        }
        if let error = values["error"] {
            throw SignInError(
                status: 400, error: error, detail: values["error_description"] ?? "", url: Self.endpoint(url))
        }
        guard let code = values["code"], !code.isEmpty else {
            throw .setup(SetupError("the browser came back without a code", fix: "Start again."))
        }
        return Secret(code)
    }

    private static func endpoint(_ url: String) -> String { String(url.prefix { $0 != "?" }) }

    /// From the system's generator, which is fit for secrets.
    private static func random(_ count: Int) -> String {
        Base64.encodeURL((0..<count).map { _ in UInt8.random(in: 0...255) })
    }

    /// In a time that tells nothing about where they differ.
    private static func areEqual(_ left: String, _ right: String) -> Bool {
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        guard left.count == right.count else { return false }
        return zip(left, right).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
