import Curl
import Events
import Rules
import Testing

@testable import Relay

@Suite struct DestinationCheckTests {
    private func check(
        _ destination: Destination, flows: [DestinationCheck.Flow] = [],
        _ answer: @escaping @Sendable (String) -> FakeHTTP.Answer
    ) async -> [CheckResult] {
        let http = FakeHTTP { request in
            // A GET of a FlowMate webhook would run the flow.
            #expect(request.method == (request.url.contains("/webhooks/") ? "HEAD" : "GET"))
            return answer(request.url)
        }
        return await DestinationCheck(environment: .test(http, environment: ["T": "token-1"]))
            .check(destination, flows: flows)
    }

    private static func answer(_ status: Int, _ body: String = "") -> FakeHTTP.Answer {
        .success(HTTPResponse(status: status, body: Array(body.utf8)))
    }

    private var flowMate: Destination {
        var destination = Destination(name: "fm", kind: .flowmate, url: "https://fm")
        destination.auth = .bearer(.env("T"))
        return destination
    }

    private var integrator: Destination {
        var destination = Destination(name: "io", kind: .integrator, url: "https://io")
        destination.auth = .bearer(.env("T"))
        return destination
    }

    @Test func `any answer of a webhook's host is enough, and its hook is not called`() async {
        let destination = Destination(name: "d", kind: .webhook, url: "https://u:p@h:8443/hook?k=1")
        let results = await check(destination) { url in
            #expect(url == "https://h:8443/")
            return Self.answer(404)
        }
        #expect(results == [CheckResult(.ok, "destination d", "https://h:8443 answers")])
    }

    @Test func `a host that cannot be reached has a cause and an advice`() async {
        let results = await check(Destination(name: "d", kind: .webhook, url: "https://h")) { _ in
            .failure(
                TransportError(
                    kind: .certificate, target: "https://h:443", reason: "certificate has expired",
                    mayHaveBeenSent: false))
        }
        #expect(results.first?.level == .failure)
        #expect(results.first?.message == "cannot reach https://h:443: certificate has expired")
        #expect(results.first?.advice.contains("tls.ca") == true)
    }

    @Test func `a missing secret is told before any call`() async {
        var destination = flowMate
        destination.auth = .bearer(.env("NOT_SET"))
        let results = await check(destination) { _ in
            Issue.record("no call is made")
            return Self.answer(500)
        }
        #expect(results.map(\.level) == [.failure])
        #expect(results[0].message.contains("NOT_SET"))
    }

    @Test func `FlowMate's token and flows are checked`() async {
        let flows = ["a", "b", "c", "d"].map { DestinationCheck.Flow(id: String(repeating: $0, count: 24)) }
        let results = await check(flowMate, flows: flows + [DestinationCheck.Flow(id: "short")]) { url in
            if url.contains("?page") { return Self.answer(200, #"{"data":[],"meta":{"total":4}}"#) }
            let id = String(url.suffix(24))
            func flow(_ rest: String) -> FakeHTTP.Answer {
                Self.answer(200, #"{"data":{"id":"\#(id)","name":"n","graph":{"nodes":[{"id":"1"}]},\#(rest)}}"#)
            }
            return switch id.first {
            case "a": flow(#""status":"active""#)
            case "b": flow(#""status":"inactive""#)
            case "c": flow(#""status":"active","cron":"* * * * *""#)
            default: Self.answer(404, #"{"errors":[{"message":"No flow found","code":404}]}"#)
            }
        }
        #expect(results.map(\.level) == [.ok, .ok, .warning, .failure, .failure, .failure])
        #expect(results.allSatisfy { $0.level == .ok || !$0.advice.isEmpty })
    }

    @Test(arguments: [401, 403, 404, 500]) func `a refused FlowMate token has an advice`(_ status: Int) async {
        let results = await check(flowMate) { _ in Self.answer(status) }
        #expect(results.map(\.level) == [.failure])
        #expect(results[0].message == "cannot list flows: FlowMate answered \(status)")
        #expect(!results[0].advice.isEmpty)
    }

    @Test func `integrator.io's flows, sources and connections are checked`() async {
        let flows = ["f1", "f2", "f3"].map { DestinationCheck.Flow(id: $0) } + [.init(id: "f1", exports: ["other"])]
        let results = await check(integrator, flows: flows) { url in
            let answers = [
                "tokenInfo": #"{"scope":"*"}"#,
                "flows/f1":
                    #"{"_id":"f1","name":"n","pageGenerators":[{"_exportId":"e1"},{"_exportId":"e2"},"#
                    + #"{"_exportId":"e3"}]}"#,
                "flows/f2": #"{"_id":"f2","disabled":true}"#, "flows/f3": #"{"_id":"f3","isAbstract":true}"#,
                "exports/e1": #"{"_id":"e1","type":"delta","_connectionId":"c1"}"#,
                "exports/e2": #"{"_id":"e2"}"#, "exports/e3": #"{"_id":"e3","type":"webhook"}"#,
                "connections/c1": #"{"name":"sf","offline":true}"#,
            ]
            let path = url.dropFirst("https://io/v1/".count)
            return answers[String(path)].map { Self.answer(200, $0) } ?? Self.answer(404)
        }
        #expect(
            results.map(\.level) == [.ok, .ok, .ok, .warning, .warning, .failure, .failure, .failure, .failure])
        #expect(results.contains { $0.message == "ignores the date window: every run exports everything" })
        #expect(results.contains { $0.message.contains("offline") })
        #expect(results.contains { $0.message == "has no source other" })
    }

    @Test func `a refused integrator.io token points at the region`() async {
        let results = await check(integrator) { _ in Self.answer(401) }
        #expect(results.map(\.level) == [.failure])
        #expect(results[0].advice.contains("region"))
    }

    @Test func `a listener's export must cut records as the rule file says`() async {
        var destination = integrator
        destination.listeners = [
            "a": .init(url: .env("T"), export: "e1", auth: nil, sign: nil, records: "data"),
            "b": .init(url: .env("T"), export: "e1", auth: nil, sign: nil, records: nil),
        ]
        let http = FakeHTTP { request in
            if request.url.hasSuffix("/flows") {
                return Self.answer(200, #"[{"_id":"f1","pageGenerators":[{"_exportId":"e1"}]}]"#)
            }
            return request.url.hasSuffix("tokenInfo")
                ? Self.answer(200, "{}")
                : Self.answer(200, #"{"_id":"e1","name":"l","type":"webhook","webhook":{"pathToRecords":"data"}}"#)
        }
        let environment = SinkEnvironment.test(http, environment: ["T": "https://h/data"])
        let results = await DestinationCheck(environment: environment).check(destination)
        #expect(results.map(\.level) == [.ok, .ok, .failure])
    }

    @Test(arguments: [
        (#"{"type":"hmac"}"#, #"[{"_id":"f","pageGenerators":[{"_exportId":"e1"}]}]"#, [CheckResult.Level.ok, .failure]),
        (#""token""#, #"[{"_id":"f","pageGenerators":[{"_exportId":"e1"}]}]"#, [.ok, .ok]),
        (#""token""#, #"[{"_id":"f","disabled":true,"pageGenerators":[{"_exportId":"e1"}]}]"#, [.ok, .failure]),
        (#""token""#, "[]", [.ok, .failure]),
    ])
    func `a listener must verify as the rule file says, and its flow must be enabled`(
        _ verify: String, _ flows: String, _ expected: [CheckResult.Level]
    ) async {
        var destination = integrator
        destination.listeners = [
            "a": .init(
                url: .env("U"), export: "e1", auth: .header(name: "X", value: .env("T")), sign: nil, records: nil)
        ]
        let http = FakeHTTP { request in
            switch true {
            case request.url.hasSuffix("tokenInfo"): Self.answer(200, "{}")
            case request.url.hasSuffix("/flows"): Self.answer(200, flows)
            default: Self.answer(200, #"{"_id":"e1","name":"l","type":"webhook","webhook":{"verify":\#(verify)}}"#)
            }
        }
        let environment = SinkEnvironment.test(http, environment: ["T": "t", "U": "https://h/data"])
        #expect(await DestinationCheck(environment: environment).check(destination).map(\.level) == expected)
    }
}
