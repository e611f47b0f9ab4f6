import Curl
import Events
import Rules
import Testing

@testable import Relay

@Suite struct WebhookSinkTests {
    private static let outcomes = RecordedOutcomes()

    private func sink(
        _ http: FakeHTTP, clock: TurnedClock = TurnedClock(), environment: [String: String] = [:],
        _ change: (inout Destination) -> Void = { _ in }
    ) throws -> any Sink {
        var destination = Destination(name: "d", kind: .webhook, url: "https://h.example/hook?x=1")
        change(&destination)
        let factory = SinkFactory(
            environment: .test(http, clock: clock, environment: environment), journal: MemoryJournal(),
            outcomes: Self.outcomes)
        return try #require(factory.make(destination).ready).sink
    }

    private let plain = Delivery.make(to: .webhook(method: "POST", path: "", headers: []))

    @Test func `a delivery is sent as it is stored, with its identity`() async throws {
        let http = FakeHTTP()
        let outcome = try await sink(http).attempt(plain, number: 1)
        #expect(outcome == .delivered(AttemptNote(status: 204, reason: "accepted")))
        let request = try #require(http.requests.first)
        #expect(request.method == "POST")
        #expect(request.url == "https://h.example/hook?x=1")
        #expect(request.body == plain.body)
        #expect(
            request.headers == [
                HTTPRequest.Header("Content-Type", "application/json"),
                HTTPRequest.Header("User-Agent", "Sluice/1.2.3"), HTTPRequest.Header("webhook-id", plain.id),
                HTTPRequest.Header("webhook-timestamp", "1800000000"),
            ])
    }

    @Test func `method, path and headers of the delivery hold, but not against identity and credential`() async throws {
        let http = FakeHTTP()
        let sink = try sink(http, environment: ["T": "token-1"]) {
            $0.auth = .bearer(.env("T"))
            $0.headers = [DeliveryTarget.Header(name: "X-A", value: "destination")]
        }
        let headers = [
            ("x-a", "rule"), ("authorization", "mine"), ("Webhook-Id", "mine"), ("content-type", "text/plain"),
        ].map { DeliveryTarget.Header(name: $0.0, value: $0.1) }
        _ = await sink.attempt(.make(to: .webhook(method: "PUT", path: "/a%20b", headers: headers)), number: 1)
        let request = try #require(http.requests.first)
        #expect(request.method == "PUT")
        #expect(request.url == "https://h.example/hook/a%20b?x=1")
        #expect(request.headers.filter { $0.name.lowercased() == "x-a" }.map(\.value) == ["rule"])
        #expect(request.headers.filter { $0.name.lowercased() == "authorization" }.map(\.value) == ["Bearer token-1"])
        #expect(request.headers.filter { $0.name.lowercased() == "webhook-id" }.map(\.value) == [plain.id])
        #expect(request.headers.filter { $0.name.lowercased() == "content-type" }.map(\.value) == ["text/plain"])
    }

    @Test func `basic and header credentials are put where they belong`() async throws {
        let http = FakeHTTP()
        let basic = try sink(http, environment: ["P": "pässword"]) { $0.auth = .basic(user: "u", password: .env("P")) }
        _ = await basic.attempt(plain, number: 1)
        let header = try sink(http, environment: ["P": "v"]) { $0.auth = .header(name: "X-Key", value: .env("P")) }
        _ = await header.attempt(plain, number: 1)
        #expect(http.requests[0].headers.contains(HTTPRequest.Header("Authorization", "Basic dTpww6Rzc3dvcmQ=")))
        #expect(http.requests[1].headers.contains(HTTPRequest.Header("X-Key", "v")))
    }

    @Test func `each attempt is signed anew, with its own time`() async throws {
        let http = FakeHTTP()
        let clock = TurnedClock()
        let sink = try sink(http, clock: clock, environment: ["S": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]) {
            $0.sign = .standardWebhooks(secrets: [.env("S")])
        }
        _ = await sink.attempt(plain, number: 1)
        clock.advance(by: 5_000)
        _ = await sink.attempt(plain, number: 2)
        func header(_ index: Int, _ name: String) -> String? {
            http.requests[index].headers.first { $0.name == name }?.value
        }
        #expect(header(0, "webhook-id") == header(1, "webhook-id"))
        #expect(header(1, "webhook-timestamp") == "1800000005")
        #expect(header(0, "webhook-signature") != header(1, "webhook-signature"))
    }

    enum Kind: String { case delivered, retry, hold, park, nothing }

    private func kind(_ outcome: AttemptOutcome) -> Kind {
        switch outcome {
        case .delivered: .delivered
        case .retry: .retry
        case .hold: .hold
        case .park: .park
        case .nothing: .nothing
        }
    }

    @Test(arguments: [
        (200, Kind.delivered), (202, .delivered), (204, .delivered), (301, .hold), (308, .hold), (400, .park),
        (401, .hold), (403, .hold), (404, .hold), (405, .park), (407, .hold), (408, .retry), (409, .retry),
        (410, .hold), (413, .park), (415, .park), (418, .park), (422, .park), (423, .retry), (425, .retry),
        (429, .hold), (500, .retry), (501, .park), (502, .retry), (503, .retry), (504, .retry), (505, .park),
    ])
    func `each status has its outcome`(_ status: Int, _ expected: Kind) async throws {
        let http = FakeHTTP(answers: [.success(HTTPResponse(status: status))])
        #expect(kind(try await sink(http).attempt(plain, number: 1)) == expected)
    }

    @Test func `Retry-After is passed on, and 429 slows the whole destination`() async throws {
        let later = [HTTPRequest.Header("Retry-After", "17")]
        let http = FakeHTTP(answers: [
            .success(HTTPResponse(status: 503, headers: later)), .success(HTTPResponse(status: 429, headers: later)),
            .success(HTTPResponse(status: 429)),
        ])
        let sink = try sink(http)
        guard case .retry(_, let after) = await sink.attempt(plain, number: 1) else {
            Issue.record("503 retries")
            return
        }
        #expect(after == .seconds(17))
        for expected in [Duration.seconds(17), HTTPSink.slowDown] {
            guard case .hold(_, .destination, let length) = await sink.attempt(plain, number: 2) else {
                Issue.record("429 holds")
                return
            }
            #expect(length == expected)
        }
    }

    @Test(arguments: [
        (TransportError.Kind.timeout, true, Kind.retry), (.reset, true, .retry), (.connect, false, .retry),
        (.resolve, false, .retry), (.tls, false, .retry), (.certificate, false, .hold), (.localFile, false, .hold),
        (.badURL, false, .hold),
    ])
    func `each transport failure has its outcome`(
        _ failure: TransportError.Kind, _ sent: Bool, _ expected: Kind
    ) async throws {
        let error = TransportError(kind: failure, target: "https://h:443", reason: "why", mayHaveBeenSent: sent)
        let outcome = try await sink(FakeHTTP(answers: [.failure(error)])).attempt(plain, number: 1)
        #expect(kind(outcome) == expected)
        #expect(outcome.note.possibleDuplicate == sent)
        let said = failure == .timeout || failure == .reset ? "no answer from" : "cannot reach"
        #expect(outcome.note.reason == "\(said) https://h:443: why")
        #expect(outcome.note.status == nil)
    }

    @Test(arguments: [(500, true), (502, true), (503, false), (504, true), (429, false), (400, false)])
    func `an answer that leaves open whether it was taken marks a possible duplicate`(
        status: Int, isOpen: Bool
    ) async throws {
        let http = FakeHTTP(answers: [.success(HTTPResponse(status: status))])
        #expect(try await sink(http).attempt(plain, number: 1).note.possibleDuplicate == isOpen)
    }

    @Test func `headers that explain a no are kept, without secrets, and none of a yes`() async throws {
        let headers = [
            HTTPRequest.Header("Retry-After", "30"), HTTPRequest.Header("Set-Cookie", "a=b"),
            HTTPRequest.Header("WWW-Authenticate", "Bearer error=\"token-1 is unknown\""),
        ]
        let http = FakeHTTP(answers: [
            .success(HTTPResponse(status: 401, headers: headers)), .success(HTTPResponse(status: 200, headers: headers)),
        ])
        let sink = try sink(http, environment: ["T": "token-1"]) { $0.auth = .bearer(.env("T")) }
        #expect(
            await sink.attempt(plain, number: 1).note.headers
                == ["retry-after: 30", "www-authenticate: Bearer error=\"••• is unknown\""])
        #expect(await sink.attempt(plain, number: 2).note.headers == nil)
    }

    @Test func `a yes that breaks off is a yes`() async throws {
        let error = TransportError(
            kind: .reset, target: "https://h:443", reason: "x", mayHaveBeenSent: true, status: 200)
        let outcome = try await sink(FakeHTTP(answers: [.failure(error)])).attempt(plain, number: 1)
        #expect(kind(outcome) == .delivered)
    }

    @Test func `a no that breaks off is no yes`() async throws {
        let error = TransportError(
            kind: .reset, target: "https://h:443", reason: "x", mayHaveBeenSent: true, status: 500)
        let outcome = try await sink(FakeHTTP(answers: [.failure(error)])).attempt(plain, number: 1)
        #expect(kind(outcome) == .retry)
    }

    @Test func `an error page that repeats the token does not show it`() async throws {
        let http = FakeHTTP(answers: [
            .success(HTTPResponse(status: 400, body: Array("bad: Bearer token-1".utf8)))
        ])
        let sink = try sink(http, environment: ["T": "token-1"]) { $0.auth = .bearer(.env("T")) }
        #expect(await sink.attempt(plain, number: 1).note.excerpt == "bad: Bearer •••")
    }

    @Test func `a delivery for another kind of receiver is parked, not sent`() async throws {
        let http = FakeHTTP()
        #expect(kind(try await sink(http).attempt(.make(to: .listener(name: "x")), number: 1)) == .park)
        #expect(http.requests.isEmpty)
    }
}
