import Crypto
import Events

/// The other flows. Whoever asks is the integration user, who consents to everything at once.
extension TokenEndpoint {
    /// `GET /services/oauth2/authorize`: back to the app with a code, as if somebody had signed in.
    static func authorize(_ query: [String: String], org: inout EmulatedOrg) -> HTTPAnswer {
        guard query["client_id"] == org.access.clientID else {
            return failure("invalid_client_id", "client identifier invalid")
        }
        guard query["response_type"] == "code" else {
            return failure("unsupported_response_type", "response type not supported")
        }
        guard let back = query["redirect_uri"], isLoopback(back) else {
            return failure("redirect_uri_mismatch", "redirect_uri must match configuration")
        }
        let code = org.newSecret("aPrx")
        org.access.grants.codes[code] = .init(challenge: query["code_challenge"], redirect: back)
        let state = query["state"].map { "&state=" + FormText.encode($0) } ?? ""
        let sign = back.contains("?") ? "&" : "?"
        return HTTPAnswer(
            status: 302,
            headers: [.init(name: "location", value: "\(back)\(sign)code=\(FormText.encode(code))\(state)")])
    }

    /// `POST /services/oauth2/revoke`
    static func revoke(_ form: [String: String], org: inout EmulatedOrg) -> HTTPAnswer {
        guard let token = form["token"], org.access.revoke(token) else {
            return failure("invalid_token", "invalid token")
        }
        return HTTPAnswer(status: 200)
    }

    /// `POST /services/oauth2/introspect`
    static func introspect(_ request: TokenRequest, org: EmulatedOrg, now: Int64) -> HTTPAnswer {
        guard request.clientID == org.access.clientID else {
            return failure("invalid_client_id", "client identifier invalid")
        }
        guard let token = request.form["token"],
            org.access.isValid(token: token) || org.access.grants.refresh.contains(token)
        else { return .json(200, .record(["active": .bool(false)])) }
        return .json(
            200,
            .record([
                "active": .bool(true), "scope": .string("api refresh_token"), "client_id": .string(org.access.clientID),
                "username": .string("integration@emulator.example"), "sub": .string(identity(org.access)),
                "token_type": .string("access_token"), "iat": .int(now / 1000), "nbf": .int(now / 1000),
                "exp": .int(now / 1000 + sessionSeconds),
            ]))
    }

    /// - Returns: nil for a flow of another name.
    static func flow(_ request: TokenRequest, org: inout EmulatedOrg, now: Int64) -> HTTPAnswer? {
        let form = request.form
        switch form["grant_type"] {
        case "authorization_code":
            guard let code = form["code"], let grant = org.access.grants.codes.removeValue(forKey: code) else {
                return failure("invalid_grant", "expired authorization code")
            }
            guard form["redirect_uri"] == grant.redirect else {
                return failure("redirect_uri_mismatch", "redirect_uri must match configuration")
            }
            guard grant.accepts(form["code_verifier"]) else { return failure("invalid_grant", "invalid code verifier") }
            return success(org: &org, now: now, refresh: org.newRefreshToken())
        case "refresh_token":
            guard let token = form["refresh_token"], org.access.grants.refresh.contains(token) else {
                return failure("invalid_grant", "expired access/refresh token")
            }
            guard org.access.grants.rotates else { return success(org: &org, now: now, refresh: nil) }
            org.access.grants.refresh.remove(token)
            return success(org: &org, now: now, refresh: org.newRefreshToken())
        case "password":
            guard form["username"] != nil, form["password"]?.hasPrefix(password) == true else {
                return failure("invalid_grant", "authentication failure")
            }
            return success(org: &org, now: now, refresh: nil)
        case "urn:ietf:params:oauth:grant-type:jwt-bearer":
            if let problem = problem(ofAssertion: form["assertion"] ?? "", org, now) {
                return failure("invalid_grant", problem)
            }
            return success(org: &org, now: now, refresh: nil)
        case "device":
            guard let code = form["code"], let polls = org.access.grants.devices[code] else {
                return failure("invalid_grant", "invalid device code")
            }
            guard polls > 0 else {
                org.access.grants.devices[code] = polls + 1
                return failure("authorization_pending", "the user has not consented yet")
            }
            org.access.grants.devices[code] = nil
            return success(org: &org, now: now, refresh: org.newRefreshToken())
        default: return nil
        }
    }

    /// `response_type=device_code`. Consent is there at the second look.
    static func device(_ org: inout EmulatedOrg) -> HTTPAnswer {
        let code = org.newSecret("device")
        org.access.grants.devices[code] = 0
        return .json(
            200,
            .record([
                "device_code": .string(code), "user_code": .string("EMUL8TOR"), "interval": .int(1),
                "verification_uri": .string(org.access.instanceURL + "/setup/connect"),
            ]))
    }

    /// Its signature is not checked, since no certificate was uploaded here.
    private static func problem(ofAssertion assertion: String, _ org: EmulatedOrg, _ now: Int64) -> String? {
        let parts = assertion.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[2].isEmpty, let bytes = base64URL(parts[1]),
            case .record(let claims)? = try? JSONReader.parse(bytes)
        else { return "invalid assertion" }
        guard claims["iss"] == .string(org.access.clientID), case .string? = claims["sub"] else {
            return "invalid assertion"
        }
        guard case .string(let audience)? = claims["aud"],
            ["https://login.salesforce.com", "https://test.salesforce.com", org.access.instanceURL].contains(audience)
        else { return "audience is invalid" }
        guard case .int(let end)? = claims["exp"], end * 1000 > now, end * 1000 < now + 600_000 else {
            return "expired authorization code"
        }
        return nil
    }

    private static func base64URL(_ text: Substring) -> [UInt8]? {
        let standard = text.replacing("-", with: "+").replacing("_", with: "/")
        return Base64.decode(standard + String(repeating: "=", count: (4 - standard.count % 4) % 4))
    }

    private static func isLoopback(_ url: String) -> Bool {
        ["http://localhost", "http://127.0.0.1", "http://[::1]"].contains { url.hasPrefix($0) }
    }
}

/// What the emulated org gave out besides sessions, and how its sign-in goes wrong.
struct OAuthGrants: Sendable {
    struct Code: Sendable {
        /// PKCE, S256.
        var challenge: String?
        var redirect: String

        func accepts(_ verifier: String?) -> Bool {
            guard let challenge else { return true }
            guard let verifier else { return false }
            let digest = Base64.encode(Array(SHA256.hash(data: Array(verifier.utf8))))
            return digest.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "") == challenge
        }
    }

    /// A refusal that a script asked for.
    struct Refusal: Sendable, Equatable {
        var error: String
        var description: String
        var left: Int
    }

    var codes: [String: Code] = [:]
    var refresh: Set<String> = []
    /// How often each device code was asked about.
    var devices: [String: Int] = [:]
    var rotates = false
    var refusal: Refusal?

    /// The next answer of the token endpoint, if it is to be a refusal.
    mutating func takeRefusal() -> Refusal? {
        guard let now = refusal else { return nil }
        refusal = now.left > 1 ? Refusal(error: now.error, description: now.description, left: now.left - 1) : nil
        return now
    }
}
