import Curl
import Events
import Testing
import TestSupport

@testable import Salesforce

@Suite struct SignInTests {
    private static let token = """
        {"access_token":"00D000000000001!tok","instance_url":"https://acme.my.salesforce.com",
         "id":"https://login.salesforce.com/id/00D000000000001EAA/005000000000001AAA","token_type":"Bearer","n":1}
        """

    @Test func `client credentials are posted as a form and never in the URL`() async throws {
        let http = ScriptedHTTP { _ in HTTPResponse(status: 200, body: Array(Self.token.utf8)) }
        let session = try await signIn(http).session()
        #expect(session.orgID.description == "00D000000000001EAA")
        #expect(session.instanceURL == "https://acme.my.salesforce.com")
        #expect(session.accessToken.exposed == "00D000000000001!tok")
        let request = try #require(http.requests.first)
        #expect(request.url == "https://acme.my.salesforce.com/services/oauth2/token")
        #expect(request.method == "POST")
        let body = String(decoding: request.body, as: UTF8.self)
        #expect(body == "grant_type=client_credentials&client_id=key&client_secret=s%26cret%2B")
    }

    @Test(arguments: [
        ("invalid_client", "invalid client credentials", "clientSecret"),
        ("invalid_client_id", "client identifier invalid", "clientId"),
        ("invalid_grant", "no client credentials user enabled", "Run As user"),
        ("invalid_grant", "request not supported on this domain", "My Domain"),
        ("unsupported_grant_type", "grant type not supported", "Client Credentials Flow"),
        ("something_new", "", "Login History"),
    ])
    func `a refusal says what to change and where`(error: String, detail: String, hint: String) async {
        let http = ScriptedHTTP { _ in
            HTTPResponse(
                status: 400, body: Array(#"{"error":"\#(error)","error_description":"\#(detail)"}"#.utf8))
        }
        await #expect {
            try await signIn(http).session()
        } throws: { thrown in
            guard let refusal = thrown as? SignInError else { return false }
            return !refusal.isRetryable && "\(refusal)".contains(hint) && !"\(refusal)".contains("s&cret+")
        }
    }

    @Test func `a server error and an unreachable host may pass`() async {
        let down = ScriptedHTTP { _ in HTTPResponse(status: 503) }
        await #expect { try await signIn(down).session() } throws: { ($0 as? SignInError)?.isRetryable == true }
        let gone = ScriptedHTTP { (_) throws(TransportError) in
            throw TransportError(kind: .resolve, target: "https://x", reason: "no such host", mayHaveBeenSent: false)
        }
        await #expect { try await signIn(gone).session() } throws: { error in
            (error as? SignInError)?.isRetryable == true && "\(error)".contains("no such host")
        }
    }

    @Test(arguments: [400, 401, 403])
    func `a refusal without a reason is not repeated in haste either`(status: Int) async {
        let http = ScriptedHTTP { _ in HTTPResponse(status: status, body: Array("<html>".utf8)) }
        await #expect { try await signIn(http).session() } throws: {
            ($0 as? SignInError)?.isRetryable == false && ($0 as? SignInError)?.isFailedLogin == true
        }
    }

    @Test func `'retry your request' is tried again`() async {
        let http = ScriptedHTTP { _ in
            HTTPResponse(
                status: 400, body: Array(#"{"error":"unknown_error","error_description":"retry your request"}"#.utf8))
        }
        await #expect { try await signIn(http).session() } throws: { ($0 as? SignInError)?.isRetryable == true }
    }

    @Test func `an access token needs to know its instance`() {
        let http = ScriptedHTTP { _ in HTTPResponse(status: 200) }
        #expect(throws: SetupError.self) {
            _ = try SignIn(
                loginURL: LoginURL("login.salesforce.com"),
                credentials: .accessToken({ Secret("t") }, instanceURL: nil, orgID: nil),
                connection: ConnectionOptions(), http: http)
        }
    }

    @Test func `a supplied token is read anew at every sign-in, and its connection options are used`() async throws {
        let http = ScriptedHTTP { _ in
            HTTPResponse(status: 200, body: Array(#"{"organization_id":"00D000000000001EAA"}"#.utf8))
        }
        let counter = Counter()
        let options = ConnectionOptions(caFile: "/ca.pem", proxy: "http://proxy:1")
        let signIn = try SignIn(
            loginURL: LoginURL("acme.my.salesforce.com"),
            credentials: .accessToken({ Secret("t\(counter.next())") }, instanceURL: nil, orgID: nil),
            connection: options, http: http)
        #expect(try await signIn.session().accessToken.exposed == "t1")
        #expect(try await signIn.session().accessToken.exposed == "t2")
        #expect(http.requests.allSatisfy { $0.connection == options })
    }

    @Test func `client credentials at the shared login host are refused before anything is sent`() {
        let http = ScriptedHTTP { _ in HTTPResponse(status: 200) }
        #expect(throws: SetupError.self) {
            _ = try SignIn(
                loginURL: LoginURL("login.salesforce.com"), credentials: credentials, connection: ConnectionOptions(),
                http: http)
        }
        #expect(http.requests.isEmpty)
    }

    @Test func `a supplied token asks userinfo for its org`() async throws {
        let http = ScriptedHTTP { _ in
            HTTPResponse(status: 200, body: Array(#"{"organization_id":"00D000000000001EAA"}"#.utf8))
        }
        let signIn = try SignIn(
            loginURL: LoginURL("acme.my.salesforce.com"),
            credentials: .accessToken({ Secret("t") }, instanceURL: nil, orgID: nil), connection: ConnectionOptions(),
            http: http)
        #expect(try await signIn.session().orgID.description == "00D000000000001EAA")
        #expect(http.requests.first?.url == "https://acme.my.salesforce.com/services/oauth2/userinfo")
    }

    @Test func `a page in place of a token is a wrong address`() async {
        let http = ScriptedHTTP { _ in HTTPResponse(status: 302) }
        await #expect { try await signIn(http).session() } throws: { "\($0)".contains("My Domain") }
    }

    private var credentials: Credentials {
        .clientCredentials(clientID: { Secret("key") }, clientSecret: { Secret("s&cret+") })
    }

    private func signIn(_ http: ScriptedHTTP) throws -> SignIn {
        try SignIn(
            loginURL: LoginURL("acme.my.salesforce.com"), credentials: credentials, connection: ConnectionOptions(),
            http: http)
    }
}
