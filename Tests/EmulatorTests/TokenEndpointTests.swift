import Events
import Testing

@testable import Emulator

@Suite struct TokenEndpointTests {
    private var org = EmulatedOrg(
        access: OrgAccess(
            clientID: "client", clientSecret: "s&cret", organizationID: EmulatorDefaults.organizationID,
            fixedToken: nil), seed: 1, now: 0, forbidden: [])

    @Test mutating func `good credentials get a token that works, and no expiry`() throws {
        org.access.instanceURL = "http://127.0.0.1:1"
        let answer = token("grant_type=client_credentials&client_id=client&client_secret=s%26cret")
        #expect(answer.status == 200)
        let body = try #require(JSONReader.parse(answer.body).fields)
        let issued = try #require(body["access_token"]?.text)
        #expect(issued.hasPrefix("00DDp0000000001!"))
        #expect(org.access.isValid(token: issued))
        #expect(body["instance_url"] == .string("http://127.0.0.1:1"))
        #expect(body["id"]?.text?.contains("/id/\(EmulatorDefaults.organizationID)/005") == true)
        #expect(body["issued_at"] == .string("42"))
        #expect(body["expires_in"] == nil)
        let info = try JSONReader.parse(TokenEndpoint.userInfo(bearer: issued, org: org).body).fields
        #expect(info?["organization_id"] == .string(EmulatorDefaults.organizationID))
    }

    @Test mutating func `credentials may stand in a Basic header`() {
        let basic = "Basic " + Base64.encode(Array("client:s%26cret".utf8))
        #expect(token("grant_type=client_credentials", ["authorization": basic]).status == 200)
    }

    @Test(arguments: [
        ("client_id=client", "invalid_request"),
        ("grant_type=saml2&client_id=client", "unsupported_grant_type"),
        ("grant_type=client_credentials&client_id=client&client_secret=no", "invalid_client"),
        ("grant_type=client_credentials&client_id=client", "invalid_client"),
        ("grant_type=client_credentials", "invalid_client"),
        ("grant_type=client_credentials&client_id=other&client_secret=s%26cret", "invalid_client_id"),
    ])
    mutating func `mistakes have Salesforce's words`(form: String, error: String) throws {
        let answer = token(form)
        #expect(answer.status == 400)
        #expect(try JSONReader.parse(answer.body).fields?["error"] == .string(error))
    }

    @Test mutating func `a browser gets a code, and the code with its verifier a refresh token`() throws {
        let query = [
            "client_id": "client", "response_type": "code", "redirect_uri": "http://localhost:1717/cb", "state": "s t",
            "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        ]
        let answer = TokenEndpoint.authorize(query, org: &org)
        let location = try #require(answer.headers.first { $0.name == "location" }?.value)
        #expect(answer.status == 302 && location.hasSuffix("&state=s%20t"))
        let code = try #require(location.split(separator: "code=").last?.split(separator: "&").first)
        let form = "grant_type=authorization_code&client_id=client&redirect_uri=http%3A%2F%2Flocalhost%3A1717%2Fcb&code=\(code)"
        #expect(token(form + "&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").status == 200)
        #expect(token(form + "&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").status == 400, "once only")
    }

    @Test mutating func `a refresh token rotates where it is asked to, and ends with its revocation`() throws {
        let device = try #require(JSONReader.parse(token("response_type=device_code&client_id=client").body).fields)
        let poll = "grant_type=device&client_id=client&code=\(device["device_code"]?.text ?? "")"
        #expect(try JSONReader.parse(token(poll).body).fields?["error"] == .string("authorization_pending"))
        let first = try #require(JSONReader.parse(token(poll).body).fields?["refresh_token"]?.text)
        let refresh = { (token: String) in "grant_type=refresh_token&client_id=client&refresh_token=\(token)" }
        #expect(try JSONReader.parse(token(refresh(first)).body).fields?["refresh_token"] == nil)
        org.access.grants.rotates = true
        let second = try #require(JSONReader.parse(token(refresh(first)).body).fields?["refresh_token"]?.text)
        #expect(token(refresh(first)).status == 400)
        #expect(TokenEndpoint.revoke(["token": second], org: &org).status == 200)
        #expect(token(refresh(second)).status == 400)
    }

    @Test mutating func `an assertion is held against its claims, and a script makes refusals`() {
        func assertion(_ claims: String) -> String { "h." + Base64.encode(Array(claims.utf8)).replacing("=", with: "") + ".s" }
        let jwt = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="
        let good = #"{"iss":"client","sub":"u@x.y","aud":"https://login.salesforce.com","exp":60}"#
        #expect(token(jwt + assertion(good)).status == 200)
        #expect(token(jwt + assertion(good.replacing("login", with: "other"))).status == 400)
        #expect(token(jwt + assertion(good.replacing(":60", with: ":0"))).status == 400)
        #expect(token("grant_type=password&client_id=client&client_secret=s%26cret&username=u&password=emulator-passwordTOK").status == 200)
        org.access.grants.refusal = .init(error: "invalid_grant", description: "inactive user", left: 1)
        #expect(token(jwt + assertion(good)).status == 400)
        #expect(token(jwt + assertion(good)).status == 200)
    }

    @Test func `userinfo refuses an unknown token`() {
        #expect(TokenEndpoint.userInfo(bearer: "no", org: org).status == 403)
        #expect(TokenEndpoint.userInfo(bearer: nil, org: org).status == 403)
    }

    private mutating func token(_ form: String, _ headers: [String: String] = [:]) -> HTTPAnswer {
        let request = TargetRequest(
            method: "POST", path: "/services/oauth2/token", headers: headers, body: Array(form.utf8))
        return TokenEndpoint.answer(TokenRequest(request), org: &org, now: 42)
    }
}
