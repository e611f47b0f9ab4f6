import Curl
import Events
import TestSupport
import Testing

@testable import Salesforce

@Suite struct InteractiveSignInTests {
    @Test func `the challenge is the one of RFC 7636's example`() {
        #expect(
            AuthorizationRequest.challenge(Secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"))
                == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
    }

    @Test func `a login by browser exchanges its code with the verifier`() async throws {
        let http = ScriptedHTTP { _ in tokenAnswer(#", "refresh_token":"r1", "scope":"api refresh_token""#) }
        let login = try login(http)
        let request = login.authorization(redirectURI: "http://localhost:1717/callback")
        let query = FormEncoding.decode(String(request.url.split(separator: "?")[1]))
        #expect(request.url.hasPrefix("https://acme.my.salesforce.com/services/oauth2/authorize?"))
        #expect(query["code_challenge"] == AuthorizationRequest.challenge(request.verifier))
        #expect(query["code_challenge_method"] == "S256" && query["scope"] == "api refresh_token")
        #expect((43...128).contains(request.verifier.exposed.count))
        let state = try #require(query["state"])
        let code = try request.code(fromCallback: "code=a%2Bb%3D%3D&state=\(state)")
        #expect(code.exposed == "a+b==")
        let result = try await login.finish(request, code: code)
        #expect(result.grant?.refreshToken.exposed == "r1")
        let form = FormEncoding.decode(body(http.requests[0]))
        #expect(form["code_verifier"] == request.verifier.exposed && form["client_secret"] == "sec")
        #expect(form["redirect_uri"] == "http://localhost:1717/callback" && form["code"] == "a+b==")
    }

    @Test func `two logins share neither state nor verifier`() throws {
        let login = try login(ScriptedHTTP { _ in tokenAnswer() })
        let (one, other) = (login.authorization(redirectURI: "x"), login.authorization(redirectURI: "x"))
        #expect(one.verifier != other.verifier && one.url != other.url)
    }

    @Test(arguments: ["code=x&state=wrong", "code=x", "error=access_denied&state=wrong"])
    func `an answer to another request is not taken`(query: String) throws {
        let request = try login(ScriptedHTTP { _ in tokenAnswer() }).authorization(redirectURI: "x")
        #expect { try request.code(fromCallback: query) } throws: { "\($0)".contains("another request") }
    }

    @Test func `a refusal at the browser is told in plain words`() throws {
        let request = try login(ScriptedHTTP { _ in tokenAnswer() }).authorization(redirectURI: "x")
        let state = try #require(FormEncoding.decode(String(request.url.split(separator: "?")[1]))["state"])
        #expect {
            try request.code(fromCallback: "error=access_denied&error_description=end-user+denied&state=\(state)")
        } throws: { "\($0)".contains("end-user denied") && "\($0)".contains("refused") }
    }

    @Test func `a device is asked for at its interval, more slowly when told so`() async throws {
        let time = ManualTime(autoAdvance: true)
        let steps = Counter()
        let http = ScriptedHTTP { request in
            if body(request).contains("response_type=device_code") {
                return answer(
                    200,
                    #"{"device_code":"dev","user_code":"AB12","verification_uri":"https://x/connect","interval":7}"#)
            }
            return switch steps.next() {
            case 1: answer(400, #"{"error":"authorization_pending","error_description":"pending"}"#)
            case 2: answer(400, #"{"error":"slow_down","error_description":"polling too quickly"}"#)
            case 3: HTTPResponse(status: 503)
            default: tokenAnswer(#", "refresh_token":"r1""#)
            }
        }
        let login = try login(http, time)
        let code = try await login.startDevice()
        #expect(code.userCode == "AB12" && code.verificationURI == "https://x/connect")
        #expect(try await login.finish(code).grant?.refreshToken.exposed == "r1")
        #expect(time.slept == [.seconds(7), .seconds(7), .seconds(12), .seconds(12)])
        #expect(body(http.requests[1]) == "grant_type=device&client_id=key&code=dev&client_secret=sec")
    }

    @Test func `a device that nobody confirms is given up after ten minutes`() async throws {
        let time = ManualTime(autoAdvance: true)
        let http = ScriptedHTTP { request in
            body(request).contains("response_type")
                ? answer(200, #"{"device_code":"dev","user_code":"AB","verification_uri":"https://x"}"#)
                : answer(400, #"{"error":"authorization_pending"}"#)
        }
        let login = try login(http, time)
        let code = try await login.startDevice()
        await #expect { try await login.finish(code) } throws: { "\($0)".contains("ten minutes") }
        #expect(http.requests.count == 121)
    }

    @Test func `a token that is not known any more counts as revoked`() async throws {
        let http = ScriptedHTTP { request in
            body(request) == "token=known" ? HTTPResponse(status: 200) : answer(400, #"{"error":"invalid_token"}"#)
        }
        let service = TokenService(
            loginURL: try LoginURL("acme.my.salesforce.com"), clientID: Secret("key"), clientSecret: nil,
            connection: ConnectionOptions(), http: http)
        #expect(try await service.revoke(Secret("known")))
        #expect(try await !service.revoke(Secret("unknown")))
    }

    private func login(_ http: ScriptedHTTP, _ time: ManualTime = ManualTime()) throws -> InteractiveSignIn {
        InteractiveSignIn(
            loginURL: try LoginURL("acme.my.salesforce.com"), clientID: Secret("key"), clientSecret: Secret("sec"),
            connection: ConnectionOptions(), http: http, time: time.source)
    }
}

private func answer(_ status: Int, _ text: String) -> HTTPResponse {
    HTTPResponse(status: status, body: Array(text.utf8))
}
