import Curl
import Events
import Rules
import Synchronization
import Testing

@testable import Relay

@Suite struct OAuthTokensTests {
    private let plain = Delivery.make(to: .webhook(method: "POST", path: "", headers: []))

    private func sink(
        _ http: FakeHTTP, clock: TurnedClock = TurnedClock(), _ change: (inout Destination.OAuth2) -> Void = { _ in }
    ) throws -> any Sink {
        var oauth2 = Destination.OAuth2(
            tokenURL: "https://id.example/token", clientID: "sluice client", clientSecret: .env("S"))
        oauth2.scope = "orders:write x"
        change(&oauth2)
        var destination = Destination(name: "d", kind: .webhook, url: "https://h.example/hook")
        destination.auth = .oauth2(oauth2)
        let factory = SinkFactory(
            environment: .test(http, clock: clock, environment: ["S": "p@ss:word"]), journal: MemoryJournal(),
            outcomes: RecordedOutcomes())
        return try #require(factory.make(destination).ready).sink
    }

    /// Gives out t1, t2, …; the receiver takes what `accepts` says.
    private func world(
        life: Int = 3600, accepts: @escaping @Sendable (String) -> Bool = { _ in true }
    ) -> FakeHTTP {
        let issued = Mutex(0)
        return FakeHTTP { request in
            if request.url == "https://id.example/token" {
                let number = issued.withLock { issued in
                    issued += 1
                    return issued
                }
                return Self.answer(
                    200, #"{"access_token":"token-\#(number)","token_type":"Bearer","expires_in":\#(life)}"#)
            }
            let token = request.headers.first { $0.name == "Authorization" }?.value ?? ""
            return Self.answer(accepts(token) ? 204 : 401)
        }
    }

    private static func answer(_ status: Int, _ body: String = "") -> FakeHTTP.Answer {
        .success(HTTPResponse(status: status, body: Array(body.utf8)))
    }

    private func tokenRequests(_ http: FakeHTTP) -> [HTTPRequest] { http.requests.filter { $0.url.contains("token") } }

    @Test func `one token serves many deliveries`() async throws {
        let http = world()
        let sink = try sink(http)
        for _ in 0..<3 { #expect(await sink.attempt(plain, number: 1).isDelivered) }
        let asked = try #require(tokenRequests(http).first)
        #expect(tokenRequests(http).count == 1)
        #expect(asked.method == "POST")
        #expect(
            String(decoding: asked.body, as: UTF8.self) == "grant_type=client_credentials&scope=orders%3Awrite+x")
        let pair = Base64.encode(Array("sluice+client:p%40ss%3Aword".utf8))
        #expect(asked.headers.contains(HTTPRequest.Header("Authorization", "Basic \(pair)")))
        #expect(http.requests.last?.headers.contains(HTTPRequest.Header("Authorization", "Bearer token-1")) == true)
    }

    @Test func `the secret goes in the body where the receiver wants it there`() async throws {
        let http = world()
        let sink = try sink(http) {
            $0.sendsSecretInBody = true
            $0.audience = "api"
        }
        _ = await sink.attempt(plain, number: 1)
        let asked = try #require(tokenRequests(http).first)
        #expect(!asked.headers.contains { $0.name == "Authorization" })
        #expect(
            String(decoding: asked.body, as: UTF8.self).hasSuffix(
                "&audience=api&client_id=sluice+client&client_secret=p%40ss%3Aword"))
    }

    @Test func `a token is replaced before it expires`() async throws {
        let http = world(life: 100)
        let clock = TurnedClock()
        let sink = try sink(http, clock: clock)
        _ = await sink.attempt(plain, number: 1)
        clock.advance(by: 69_000)
        _ = await sink.attempt(plain, number: 1)
        #expect(tokenRequests(http).count == 1)
        clock.advance(by: 1_000)
        _ = await sink.attempt(plain, number: 1)
        #expect(tokenRequests(http).count == 2)
    }

    @Test func `a refused token is renewed once, within the attempt`() async throws {
        let http = world { $0 == "Bearer token-2" }
        #expect(try await sink(http).attempt(plain, number: 1).isDelivered)
        #expect(tokenRequests(http).count == 2)
        let refusing = world { _ in false }
        #expect(try await sink(refusing).attempt(plain, number: 1).short == "hold destination 900")
        #expect(tokenRequests(refusing).count == 2)
    }

    @Test(arguments: [(400, "hold destination 900"), (401, "hold destination 900"), (503, "retry"), (429, "retry")])
    func `without a token the destination is held, or tried again`(_ status: Int, _ expected: String) async throws {
        let http = FakeHTTP { _ in Self.answer(status, #"{"error":"invalid_client"}"#) }
        let outcome = try await sink(http).attempt(plain, number: 1)
        #expect(outcome.short == expected)
        #expect(outcome.note.reason == "no token: the token endpoint answered \(status): invalid_client")
        #expect(http.requests.allSatisfy { $0.url.contains("token") })
    }

    @Test func `attempts beside each other share one request`() async throws {
        let http = world()
        let sink = try sink(http)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<20 { group.addTask { _ = await sink.attempt(plain, number: 1) } }
        }
        #expect(tokenRequests(http).count == 1)
    }
}
