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
        ("grant_type=password&client_id=client", "unsupported_grant_type"),
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
