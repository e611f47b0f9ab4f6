import Crypto
import CryptoExtras
import Curl
import Events
import FoundationEssentials
import Synchronization
import TestSupport
import Testing

@testable import Salesforce

@Suite struct SignInFlowsTests {
    private static let key = try! _RSA.Signing.PrivateKey(keySize: .bits2048)

    @Test func `an assertion is signed with RS256 and says who, for whom and for how long`() async throws {
        let http = ScriptedHTTP { _ in tokenAnswer() }
        let session = try await signIn(http, .jwtBearer(jwt(Self.key.pemRepresentation))).session()
        #expect(session.userID == "005000000000001AAA")
        let form = FormEncoding.decode(body(http.requests[0]))
        #expect(form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer")
        let parts = try #require(form["assertion"]).split(separator: ".").map(String.init)
        #expect(parts.count == 3)
        let header = try JSONReader.parse(try #require(Base64.decode(parts[0])))
        #expect(header == .record(["alg": .string("RS256"), "typ": .string("JWT")]))
        let claims = try JSONReader.parse(try #require(Base64.decode(parts[1])))
        #expect(
            claims
                == .record([
                    "iss": .string("key"), "sub": .string("relay@acme.com"),
                    "aud": .string("https://login.salesforce.com"), "exp": .int(1_700_000_150),
                ]))
        let signature = _RSA.Signing.RSASignature(rawRepresentation: Data(try #require(Base64.decode(parts[2]))))
        let digest = SHA256.hash(data: Data("\(parts[0]).\(parts[1])".utf8))
        #expect(Self.key.publicKey.isValidSignature(signature, for: digest, padding: .insecurePKCS1v1_5))
    }

    @Test(arguments: [
        ("https://acme--uat.sandbox.my.salesforce.com", "https://test.salesforce.com"),
        ("test.salesforce.com", "https://test.salesforce.com"),
        ("acme.my.salesforce.com", "https://login.salesforce.com"),
    ])
    func `the audience follows the org`(loginURL: String, audience: String) throws {
        #expect(try LoginURL(loginURL).sharedLoginHost == audience)
    }

    @Test(arguments: ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"])
    func `a key that is none says how to make one, and sends nothing`(pem: String) async {
        let http = ScriptedHTTP { _ in tokenAnswer() }
        await #expect {
            try await signIn(http, .jwtBearer(jwt(pem))).session()
        } throws: { "\($0)".contains("openssl req -x509") }
        #expect(http.requests.isEmpty)
    }

    @Test func `a refused assertion tells that the clocks differ`() async {
        let http = ScriptedHTTP { _ in
            HTTPResponse(
                status: 400, headers: [.init("Date", "Tue, 14 Nov 2023 22:03:20 GMT")],
                body: Array(#"{"error":"invalid_grant","error_description":"invalid assertion"}"#.utf8))
        }
        await #expect {
            try await signIn(http, .jwtBearer(jwt(Self.key.pemRepresentation))).session()
        } throws: { "\($0)".contains("600 s ahead of Salesforce's") }
    }

    @Test func `a password is followed by the security token`() async throws {
        let http = ScriptedHTTP { _ in tokenAnswer() }
        let credentials = PasswordCredentials(
            clientID: { Secret("key") }, clientSecret: { Secret("sec") }, username: "u@acme.com",
            password: { Secret("p&w") }, securityToken: { Secret("TOK") })
        _ = try await signIn(http, .password(credentials)).session()
        #expect(
            body(http.requests[0])
                == "grant_type=password&client_id=key&client_secret=sec&username=u%40acme.com&password=p%26wTOK")
    }

    @Test func `a rotated refresh token is stored before the session is given out`() async throws {
        let store = MemoryGrants(grant("first"))
        let http = ScriptedHTTP { request in
            #expect(store.saved.last?.refreshStartedAt == 1_700_000_000_000, "noted before it is sent")
            return tokenAnswer(#", "refresh_token":"second""#)
        }
        _ = try await signIn(http, refresh(store)).session()
        #expect(store.saved.map(\.refreshToken.exposed) == ["first", "second"])
        #expect(store.saved.last?.refreshStartedAt == nil)
        #expect(http.requests[0].isSentOnce)
        #expect(body(http.requests[0]) == "grant_type=refresh_token&refresh_token=first&client_id=key")
    }

    @Test func `whoever leaves meanwhile, the token that replaces the spent one is stored`() async throws {
        let store = MemoryGrants(grant("first"))
        let http = HeldHTTP(ScriptedHTTP { _ in tokenAnswer(#", "refresh_token":"second""#) }) { $0.hasSuffix("/token") }
        let authenticator = Authenticator(try signIn(http, refresh(store)), time: ManualTime(autoAdvance: true).source)
        let caller = Task { try await authenticator.session() }
        while !http.isHolding { await Task.yield() }
        caller.cancel()
        await #expect(throws: SignInError.self) { try await caller.value }
        // One that comes when all is over already.
        let late = Task { try await authenticator.session() }
        late.cancel()
        await #expect(throws: SignInError.self) { try await late.value }
        http.letGo()
        await authenticator.ended()
        #expect(store.saved.last?.refreshToken.exposed == "second" && store.saved.last?.refreshStartedAt == nil)
    }

    @Test(arguments: [Int64.min, -1, .max]) func `an end of a token that cannot be is none`(exp: Int64) async throws {
        let http = ScriptedHTTP { request in
            request.url.hasSuffix("/introspect")
                ? HTTPResponse(status: 200, body: Array(#"{"active":true,"exp":\#(exp)}"#.utf8)) : tokenAnswer()
        }
        let session = try await signIn(http, refresh(MemoryGrants(grant("r"))), introspects: true).session()
        #expect(session.expiresAt == nil)
    }

    @Test func `without rotation the token stays`() async throws {
        let store = MemoryGrants(grant("first"))
        _ = try await signIn(ScriptedHTTP { _ in tokenAnswer() }, refresh(store)).session()
        #expect(store.saved.last == grant("first"))
    }

    @Test func `a session is not used if its new token cannot be stored`() async {
        let store = MemoryGrants(grant("first"), failsAt: 2)
        await #expect {
            try await signIn(ScriptedHTTP { _ in tokenAnswer(#", "refresh_token":"second""#) }, refresh(store))
                .session()
        } throws: { "\($0)".contains("disk full") }
    }

    @Test func `a refusal after a refresh that was cut off tells of it`() async {
        var interrupted = grant("first")
        interrupted.refreshStartedAt = 1_699_999_000_000
        let http = ScriptedHTTP { _ in
            HTTPResponse(
                status: 400,
                body: Array(#"{"error":"invalid_grant","error_description":"expired access/refresh token"}"#.utf8))
        }
        await #expect {
            try await signIn(http, refresh(MemoryGrants(interrupted))).session()
        } throws: { "\($0)".contains("2023-11-14T21:56:40Z") && "\($0)".contains("sluice salesforce login") }
    }

    @Test func `before the first login it says so`() async {
        await #expect {
            try await signIn(ScriptedHTTP { _ in tokenAnswer() }, refresh(MemoryGrants(nil))).session()
        } throws: { "\($0)".contains("sluice salesforce login") }
    }

    @Test func `introspection tells when a token ends, and its failure is none`() async throws {
        let http = ScriptedHTTP { request in
            request.url.hasSuffix("/introspect")
                ? HTTPResponse(status: 200, body: Array(#"{"active":true,"exp":1700007200,"scope":"api"}"#.utf8))
                : tokenAnswer()
        }
        let session = try await signIn(http, refresh(MemoryGrants(grant("r"))), introspects: true).session()
        #expect(session.expiresAt == 1_700_007_200_000)
        let without = ScriptedHTTP { request in
            request.url.hasSuffix("/introspect") ? HTTPResponse(status: 404) : tokenAnswer()
        }
        #expect(
            try await signIn(without, refresh(MemoryGrants(grant("r"))), introspects: true).session().expiresAt == nil)
    }

    @Test(arguments: [
        ("invalid_grant", "user hasn't approved this consumer", "Permitted Users"),
        ("invalid_grant", "audience is invalid", "audience"), ("invalid_grant", "invalid assertion", "certificate"),
        ("invalid_grant", "expired authorization code", "login"),
        ("invalid_grant", "expired access/refresh token", "login"), ("invalid_grant", "inactive user", "Setup > Users"),
        ("invalid_grant", "user is not admin approved to access this app", "permission set"),
        ("invalid_grant", "ip restricted", "relax IP"), ("invalid_grant", "authentication failure", "Login History"),
        ("invalid_request", "must use HTTP POST", "parameter"), ("invalid_app_access", "", "permission set"),
        ("inactive_org", "", "expired"), ("invalid_scope", "", "api"), ("redirect_uri_mismatch", "", "Callback URL"),
        ("unsupported_response_type", "", "device"), ("access_denied", "end-user denied authorization", "refused"),
        ("immediate_unsuccessful", "", "browser"),
    ])
    func `every refusal names what mends it`(error: String, detail: String, hint: String) {
        #expect(SignInFixes.fix(error: error, detail: detail).contains(hint))
    }

    private func signIn(
        _ http: any HTTPClient, _ credentials: Credentials, introspects: Bool = false
    ) throws -> SignIn {
        try SignIn(
            loginURL: LoginURL("acme.my.salesforce.com"), credentials: credentials, connection: ConnectionOptions(),
            http: http, introspects: introspects, time: ManualTime(autoAdvance: true).source)
    }

    private func jwt(_ pem: String) -> JWTCredentials {
        JWTCredentials(
            clientID: { Secret("key") }, username: "relay@acme.com", key: { Secret(pem) }, audience: nil)
    }

    private func refresh(_ store: MemoryGrants) -> Credentials {
        .refreshToken(RefreshCredentials(clientID: { Secret("key") }, clientSecret: nil, store: store))
    }
}

func grant(_ token: String) -> StoredGrant {
    StoredGrant(
        refreshToken: Secret(token), instanceURL: "https://acme.my.salesforce.com", scope: "api", obtainedAt: 1)
}

func body(_ request: HTTPRequest) -> String { String(decoding: request.body, as: UTF8.self) }

func tokenAnswer(_ more: String = "") -> HTTPResponse {
    let text =
        #"{"access_token":"00D!tok","instance_url":"https://acme.my.salesforce.com","#
        + #""id":"https://login.salesforce.com/id/00D000000000001EAA/005000000000001AAA"\#(more)}"#
    return HTTPResponse(status: 200, body: Array(text.utf8))
}

/// Keeps every grant that was saved; fails at the given save, from 1.
final class MemoryGrants: GrantStore {
    private struct Lock: GrantLock { func release() {} }

    private let state: Mutex<[StoredGrant]>
    private let first: StoredGrant?
    private let failsAt: Int

    init(_ grant: StoredGrant?, failsAt: Int = 0) {
        first = grant
        state = Mutex([])
        self.failsAt = failsAt
    }

    var saved: [StoredGrant] { state.withLock { $0 } }

    func load() throws(SetupError) -> StoredGrant? { saved.last ?? first }

    func save(_ grant: StoredGrant) throws(SetupError) {
        let count = state.withLock { saved in
            saved.append(grant)
            return saved.count
        }
        if count == failsAt { throw SetupError("cannot write: disk full", fix: "Free space.") }
    }

    func remove() throws(SetupError) { state.withLock { $0 = [] } }
    func lock(_ time: TimeSource) async throws(SignInError) -> any GrantLock { Lock() }
}
