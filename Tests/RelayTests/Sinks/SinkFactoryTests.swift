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
                + "not set. Set it, and start again.")
    }

    @Test func `plain http needs allowHttp`() {
        var destination = Destination(name: "d", kind: .webhook, url: "http://127.0.0.1:1/x")
        #expect(make(destination).findings.map(\.key) == ["url"])
        destination.allowHttp = true
        #expect(make(destination).ready != nil)
    }

    @Test func `a credential with a line break inside is refused`() {
        var destination = Destination(name: "d", kind: .webhook, url: "https://h")
        destination.auth = .header(name: "X", value: .env("T"))
        let findings = make(destination, ["T": "a\r\nEvil: 1"]).findings
        #expect(findings.map(\.key) == ["auth"])
        #expect(!findings[0].description.contains("Evil"))
    }

    @Test func `concurrency has the default of its kind`() {
        #expect(make(Destination(name: "d", kind: .webhook, url: "https://h")).ready?.concurrency == 8)
        #expect(make(Destination(name: "d", kind: .flowmate, url: "https://h")).ready?.concurrency == 8)
        let integrator = make(Destination(name: "d", kind: .integrator, url: "https://h")).ready
        #expect(integrator?.concurrency == 1)
        #expect(integrator?.runner != nil)
        var own = Destination(name: "d", kind: .webhook, url: "https://h")
        own.concurrency = 3
        #expect(make(own).ready?.concurrency == 3)
    }
}
