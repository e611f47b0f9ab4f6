import Crypto
import Events

/// A request to `POST /services/oauth2/token`.
struct TokenRequest: Sendable, Equatable {
    var form: [String: String]
    var clientID: String?
    var clientSecret: String?

    /// Client credentials stand in the form, or in a Basic header, which wins.
    init(_ request: TargetRequest) {
        form = FormText.parse(String(decoding: request.body, as: UTF8.self))
        clientID = form["client_id"]
        clientSecret = form["client_secret"]
        guard let header = request.headers["authorization"], header.lowercased().hasPrefix("basic "),
            let bytes = Base64.decode(String(header.dropFirst(6)))
        else { return }
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: ":", maxSplits: 1).map(String.init)
        clientID = parts.first.map { FormText.decode($0) }
        clientSecret = parts.count == 2 ? FormText.decode(parts[1]) : nil
    }
}

/// OAuth, and userinfo, with Salesforce's error words.
enum TokenEndpoint {
    static let sessionSeconds: Int64 = 7_200
    /// Of the user; a security token may follow.
    static let password = EmulatorDefaults.salesforcePassword

    static func answer(_ request: TokenRequest, org: inout EmulatedOrg, now: Int64) -> HTTPAnswer {
        if let refusal = org.access.grants.takeRefusal() { return failure(refusal.error, refusal.description) }
        let grant = request.form["grant_type"] ?? ""
        let isDevice = request.form["response_type"] == "device_code"
        if grant.isEmpty, !isDevice { return failure("invalid_request", "missing required parameter: grant_type") }
        // An assertion names the client itself.
        if !grant.hasSuffix(":jwt-bearer") {
            guard let id = request.clientID, !id.isEmpty else {
                return failure("invalid_client", "client credentials not provided")
            }
            guard id == org.access.clientID else { return failure("invalid_client_id", "client identifier invalid") }
        }
        // Public clients have no secret; a wrong one is refused all the same.
        let needsSecret = grant == "client_credentials" || grant == "password" || request.clientSecret != nil
        guard !needsSecret || request.clientSecret == org.access.clientSecret else {
            return failure("invalid_client", "invalid client credentials")
        }
        if isDevice { return device(&org) }
        if grant == "client_credentials" { return success(org: &org, now: now, refresh: nil) }
        return flow(request, org: &org, now: now) ?? failure("unsupported_grant_type", "grant type not supported")
    }

    /// `GET /services/oauth2/userinfo`
    static func userInfo(bearer: String?, org: EmulatedOrg) -> HTTPAnswer {
        guard let bearer, org.access.isValid(token: bearer) else {
            return HTTPAnswer(status: 403, body: Array("Bad_OAuth_Token".utf8))
        }
        let instance = org.access.instanceURL
        return .json(
            200,
            .record([
                "sub": .string(identity(org.access)), "user_id": .string(EmulatedOrg.userID),
                "organization_id": .string(org.access.organizationID),
                "preferred_username": .string("integration@emulator.example"), "name": .string("Integration User"),
                "email": .string("integration@emulator.example"), "email_verified": .bool(true),
                "urls": .record(["rest": .string("\(instance)/services/data/v{version}/")]), "active": .bool(true),
                "user_type": .string("STANDARD"), "language": .string("en_US"), "locale": .string("en_GB"),
                "utcOffset": .int(0),
            ]))
    }

    /// `GET /services/data`, which asks for no token.
    static let apiVersions: HTTPAnswer = .json(
        200,
        .list(
            (55...67).map { number in
                .record([
                    "label": .string("Release \(number)"), "url": .string("/services/data/v\(number).0"),
                    "version": .string("\(number).0"),
                ])
            }))

    static func success(org: inout EmulatedOrg, now: Int64, refresh: String?) -> HTTPAnswer {
        let token = org.issueToken()
        let access = org.access
        let id = identity(access)
        let signature = HMAC<SHA256>.authenticationCode(
            for: Array((id + String(now)).utf8), using: SymmetricKey(data: Array(access.clientSecret.utf8)))
        var fields: Fields = [
            "access_token": .string(token), "signature": .string(Base64.encode(Array(signature))),
            "scope": .string(refresh == nil ? "api" : "api refresh_token"), "instance_url": .string(access.instanceURL),
            "id": .string(id), "token_type": .string("Bearer"), "issued_at": .string(String(now)),
            "api_instance_url": .string("https://api.salesforce.com"),
        ]
        if let refresh { fields["refresh_token"] = .string(refresh) }
        return .json(200, .record(fields))
    }

    static func identity(_ access: OrgAccess) -> String {
        "https://login.salesforce.com/id/\(access.organizationID)/\(EmulatedOrg.userID)"
    }

    static func failure(_ error: String, _ description: String) -> HTTPAnswer {
        .json(400, .record(["error": .string(error), "error_description": .string(description)]))
    }
}
