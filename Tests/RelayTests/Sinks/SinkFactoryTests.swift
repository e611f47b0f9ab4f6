import Curl
import Events
import Rules
import Testing

@testable import Relay

@Suite struct SinkFactoryTests {
    private func make(
        _ destination: Destination, _ environment: [String: String] = [:]
    ) -> (ready: ReadyDestination?, findings: [SinkFinding]) {
        SinkFactory(
            environment: .test(FakeHTTP(), environment: environment), journal: MemoryJournal(),
            outcomes: RecordedOutcomes()
        ).make(destination)
    }

    @Test func `all findings come at once, and name references only`() {
        var destination = Destination(name: "celigo", kind: .integrator, url: "http://api.integrator.io")
        destination.auth = .bearer(.env("TOKEN"))
        destination.tls.key = .env("KEY")
        destination.listeners = [
            "a": .init(
                url: .env("URL_A"), export: nil, auth: .query(name: "t", value: .env("QUERY")),
                sign: .standardWebhooks(secrets: [.env("SIGN")]), records: nil)
        ]
        let (ready, findings) = make(destination, ["SIGN": "whsec_!"])
        #expect(ready == nil)
        #expect(
            findings.map(\.key)
                == ["baseUrl", "auth", "tls.key", "listeners.a.url", "listeners.a.auth", "listeners.a.sign"])
        #expect(
            findings[1].description
                == "destination celigo, auth: cannot read the secret from environment variable TOKEN: the variable is "
                + "not set. Set it, for example in .env beside the configuration; a running relay takes it with "
                + "`sluice rules reload`.")
    }

    @Test func `plain http needs allowHttp`() {
        var destination = Destination(name: "d", kind: .webhook, url: "http://127.0.0.1:1/x")
        #expect(make(destination).findings.map(\.key) == ["url"])
        destination.allowHttp = true
        #expect(make(destination).ready != nil)
    }

    @Test func `private addresses are refused unless they are allowed`() async throws {
        for (change, scope) in [
            ({ _ in }, AddressScope.public), ({ $0.allowHttp = true }, .publicOrLoopback),
            ({ $0.allowPrivate = true }, .all),
        ] as [((inout Destination) -> Void, AddressScope)] {
            var destination = Destination(name: "d", kind: .webhook, url: "https://h")
            change(&destination)
            let http = FakeHTTP()
            let factory = SinkFactory(
                environment: .test(http), journal: MemoryJournal(), outcomes: RecordedOutcomes())
            let sink = try #require(factory.make(destination).ready).sink
            _ = await sink.attempt(.make(to: .webhook(method: "POST", path: "", headers: [])), number: 1)
            #expect(http.requests.map(\.connection.addresses) == [scope])
        }
    }

    @Test func `paths, runBody and resolveKey are what is called`() {
        var destination = Destination(name: "d", kind: .flowmate, url: "https://h")
        destination.paths = ["users": "/api/users", "webhooks": "/hook"]
        let environment = SinkEnvironment.test(FakeHTTP())
        let paths = DestinationParts(destination, secrets: environment.secrets).flowMate(destination, environment).paths
        #expect(paths.users == "/api/users" && paths.webhooks == "/hook" && paths.flows == "/flows")
        destination.kind = .integrator
        destination.runBody = "topLevel"
        destination.resolveKey = "errorIds"
        let settings = DestinationParts(destination, secrets: environment.secrets).integrator(destination, environment)
        #expect(settings.runBody == .topLevel && settings.resolveKey == .errorIds)
    }

    @Test func `a credential with a line break inside is refused`() {
        var destination = Destination(name: "d", kind: .webhook, url: "https://h")
        destination.auth = .header(name: "X", value: .env("T"))
        let findings = make(destination, ["T": "a\r\nEvil: 1"]).findings
        #expect(findings.map(\.key) == ["auth"])
        #expect(!findings[0].description.contains("Evil"))
    }

    @Test func `integrator destinations with one token share an account, and slow down together`() async throws {
        let clock = TurnedClock()
        let http = FakeHTTP(answers: [
            .success(HTTPResponse(status: 429, headers: [HTTPRequest.Header("Retry-After", "20")]))
        ])
        let factory = SinkFactory(
            environment: .test(
                http, clock: clock,
                environment: ["A": "a", "B": "b", "URL": "https://h/v1/exports/e/tokentokentoken1/data"]),
            journal: MemoryJournal(), outcomes: RecordedOutcomes())
        func make(_ name: String, token: String, rate: Double? = nil, path: String = "") throws -> ReadyDestination {
            var destination = Destination(name: name, kind: .integrator, url: "https://io" + path)
            destination.auth = .bearer(.env(token))
            destination.rate = rate
            destination.listeners = [
                "orders": .init(url: .env("URL"), export: nil, auth: nil, sign: nil, records: nil)
            ]
            return try #require(factory.make(destination).ready)
        }
        let first = try make("one", token: "A")
        let second = try make("two", token: "A", rate: 5, path: "/v1")
        let other = try make("three", token: "B")
        #expect(first.budgets.map(\.rate) == [50])
        #expect(second.budgets.map(\.rate) == [5, 50])
        #expect(first.budgets[0] === second.budgets[1] && first.budgets[0] !== other.budgets[0])
        let outcome = await first.sink.attempt(.make(to: .listener(name: "orders")), number: 1)
        guard case .hold(_, .destination, for: .seconds(20)) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(second.budgets[1].wait(now: clock.uptime) == 20_000)
        #expect(second.budgets[0].wait(now: clock.uptime) == 0)
        #expect(other.budgets[0].wait(now: clock.uptime) == 0)
    }

    @Test func `a lease is longer than everything an attempt may do`() {
        var destination = Destination(name: "d", kind: .webhook, url: "https://h")
        destination.timeout = .seconds(40)
        #expect(make(destination).ready?.lease == .seconds(55))
        destination.kind = .flowmate
        #expect(make(destination).ready?.lease == .seconds(135))
    }

    @Test func `concurrency has the default of its kind`() {
        let webhook = make(Destination(name: "d", kind: .webhook, url: "https://h")).ready
        #expect(webhook?.concurrency == 8 && webhook?.targetConcurrency == nil)
        let flowMate = make(Destination(name: "d", kind: .flowmate, url: "https://h")).ready
        #expect(flowMate?.concurrency == 8 && flowMate?.targetConcurrency == 4)
        let integrator = make(Destination(name: "d", kind: .integrator, url: "https://h")).ready
        #expect(integrator?.concurrency == 1)
        #expect(integrator?.runner != nil)
        var own = Destination(name: "d", kind: .webhook, url: "https://h")
        own.concurrency = 3
        #expect(make(own).ready?.concurrency == 3)
        own.adaptsConcurrency = true
        #expect(make(own).ready?.concurrency == .adaptive)
    }
}
