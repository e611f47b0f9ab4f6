import Curl
import Events
import Rules
import Salesforce
import Settings
import Store
import Testing
import TestSupport

@testable import Relay

@Suite(.timeLimit(.minutes(15))) struct ServiceTests {
    private static let rules = """
        sluice: 1
        destinations:
          hook: {kind: webhook, url: "https://hooks.example.com/x", auth: {bearer: {env: HOOK_TOKEN}}}
        rules:
          - id: sample-changed
            match: {entity: Sample__c, change: [create, update]}
            onGap: skip
            to: {destination: hook, body: {id: "${recordId}"}}

        """

    // MARK: Start

    @Test func `everything that is missing is said at once, and nothing is sent`() async throws {
        let http = ScriptedHTTP { _ in HTTPResponse(status: 200) }
        let scratch = Scratch()
        #expect {
            _ = try service(scratch, http, environment: [:])
        } throws: { error in
            guard case .configuration(let findings)? = error as? RelayStartError else { return false }
            return findings.count == 4 && ["HOOK_TOKEN", "SF_ID", "SF_SECRET", "org other"].allSatisfy { name in
                findings.contains { $0.contains(name) }
            }
        }
        #expect(http.requests.isEmpty)
    }

    @Test func `a refused sign-in ends the start, and the store can be opened again`() async throws {
        let http = ScriptedHTTP { _ in
            HTTPResponse(status: 400, body: Array(#"{"error":"invalid_client","error_description":"no"}"#.utf8))
        }
        let scratch = Scratch()
        let service = try service(scratch, http, other: nil)
        await #expect {
            try await service.start()
        } throws: { error in
            if case .signIn? = error as? RelayStartError { return "\(error)".contains("clientSecret") }
            return false
        }
        #expect(http.requests.count == 1, "a refusal is not repeated")
        try Store(path: scratch.store, wall: 0).close()
    }

    @Test func `a refused sign-in keeps no delivery of the store waiting, and is loud`() async throws {
        let http = ScriptedHTTP { request in
            guard !request.url.contains("hooks.example.com") else { return HTTPResponse(status: 200) }
            return HTTPResponse(status: 400, body: Array(#"{"error":"invalid_client","error_description":"no"}"#.utf8))
        }
        let scratch = Scratch()
        let before = try Store(path: scratch.store, wall: 0)
        var group = CommitGroup()
        group.added = [StoredDelivery(seq: 1, delivery: Make.delivery(1), progress: DeliveryProgress())]
        try await before.commit(group, wall: 0)
        try before.close()
        let service = try service(scratch, http, other: nil)
        try await service.start()
        func answer(_ path: String) async -> RelayConsole.Answer { await service.console.answer(path) }
        while await answer("/readyz").body.contains("starting") { await Task.yield() }
        let ready = await answer("/readyz")
        #expect(ready.status == 503 && ready.body.contains("invalid_client"))
        #expect(await answer("/metrics").body.contains(#"sluice_org_sign_in_refused{org="prod"} 1"#))
        while await service.status().destinations.first?.delivered != 1 { await Task.yield() }
        #expect(http.requests.count { !$0.url.contains("hooks") } == 1, "the next sign-in waits")
        #expect(await service.stop(within: .seconds(1)))
        let store = try Store(path: scratch.store, wall: 0)
        #expect(try await store.pendingCounts().isEmpty)
        try store.close()
    }

    @Test func `deliveries for a destination that is gone are nothing to stay for`() async throws {
        let http = ScriptedHTTP { _ in HTTPResponse(status: 400, body: Array(#"{"error":"invalid_client"}"#.utf8)) }
        let scratch = Scratch()
        let before = try Store(path: scratch.store, wall: 0)
        var group = CommitGroup()
        group.added = [
            StoredDelivery(seq: 1, delivery: Make.delivery(1, destination: "gone"), progress: DeliveryProgress())
        ]
        try await before.commit(group, wall: 0)
        try before.close()
        let service = try service(scratch, http, other: nil)
        await #expect(throws: RelayStartError.self) { try await service.start() }
    }

    @Test func `a start that is cancelled returns without having started a topic`() async throws {
        let http = HangingHTTP()
        let scratch = Scratch()
        let service = try service(scratch, http, other: nil)
        let starting = Task { try await service.start() }
        while http.requests == 0 { await Task.yield() }
        starting.cancel()
        try await starting.value
        #expect(await service.stop(within: .seconds(1)))
        let store = try Store(path: scratch.store, wall: 0)
        #expect(try await store.streamStates().isEmpty)
        try store.close()
    }

    @Test func `a sign-in that hangs does not hold up a stop, and status says that the relay is off`() async throws {
        let http = HangingHTTP(failures: 1)
        let scratch = Scratch()
        let service = try service(scratch, http, other: nil)
        try await service.start()
        while http.requests < 2 { await Task.yield() }
        #expect(await service.stop(within: .seconds(1)))
        let store = try Store(path: scratch.store, wall: 0)
        #expect(try await store.streamStates().map(\.state) == ["off"])
        try store.close()
    }

    // MARK: Cursors

    @Test func `a cursor is good for its own org and instance only`() {
        let cursor = Make.cursor(1)
        let own = Org(id: cursor.orgID, alias: "prod", instanceURL: cursor.instanceURL, isSandbox: false)
        #expect(OrgService.foreign(cursor, own) == nil)
        var other = own
        other.id = "00D000000000002EAA"
        #expect(OrgService.foreign(cursor, other) == "belongs to another org (00D000000000001EAA, this is 00D000000000002EAA)")
        var moved = own
        moved.instanceURL = "https://y.my.salesforce.com"
        #expect(OrgService.foreign(cursor, moved)?.contains("another instance") == true)
    }

    // MARK: Reports

    @Test func `an outage of many attempts began once`() async throws {
        let scratch = Scratch()
        let store = try Store(path: scratch.store, wall: 0)
        let time = ManualTime(start: 0)
        let reports = StreamReports(org: "prod", store: store, time: time.source, log: .quiet)
        for attempt in 1...3 {
            time.advance(by: .seconds(10))
            await reports.changed(
                StreamStatus(state: .reconnecting, detail: "try \(attempt)", reconnects: attempt), topic: "/data/A")
        }
        let state = try #require(try await store.streamStates().first)
        #expect(state.since == 10_000 && state.detail == "try 3" && state.reconnects == 3)
        time.advance(by: .seconds(10))
        await reports.changed(StreamStatus(state: .streaming), topic: "/data/A")
        #expect(try await store.streamStates().first?.since == 40_000)
        try store.close()
    }

    // MARK: Options

    @Test func `certificate authorities and proxies reach the connections they are for`() async throws {
        var org = Self.org("prod", "https://acme.my.salesforce.com")
        org.tls = TLSConfiguration(ca: "/rest.pem", proxy: "http://rest:1")
        org.pubsub.ca = "/grpc.pem"
        org.pubsub.proxy = "http://grpc:1"
        let http = ScriptedHTTP { _ in HTTPResponse(status: 503) }
        let secrets = SecretStore(environment: ["SF_ID": "key", "SF_SECRET": "secret"])
        _ = try? await org.signIn(loginURL: LoginURL(org.loginURL), secrets: secrets, http: http).session()
        #expect(http.requests.map(\.connection) == [ConnectionOptions(caFile: "/rest.pem", proxy: "http://rest:1")])
        #expect(org.pubsub.endpoint.options == ConnectionOptions(caFile: "/grpc.pem", proxy: "http://grpc:1"))
    }

    // MARK: Helpers

    /// - Parameter other: the address of a second org, which is unusable unless told otherwise.
    private func service(
        _ scratch: Scratch, _ http: any HTTPClient, other: String? = "https://login.salesforce.com",
        environment: [String: String] = ["SF_ID": "key", "SF_SECRET": "secret", "HOOK_TOKEN": "t"]
    ) throws -> RelayService {
        let report = Lint.check([RuleSource(path: "rules.yaml", bytes: Array(Self.rules.utf8))])
        let rules = try #require(report.ruleSet, "\(report.text)")
        var orgs = [Self.org("prod", "https://acme.my.salesforce.com")]
        if let other {
            var second = Self.org("other", other)
            second.auth = .clientCredentials(clientID: .text("key"), clientSecret: .env("PATH_OF_OTHER"))
            orgs.append(second)
        }
        let environment = other == nil ? environment : environment.merging(["PATH_OF_OTHER": "x"]) { $1 }
        let configuration = Configuration(
            orgs: orgs, rulesPath: "rules", storePath: scratch.store, log: LogConfiguration())
        return try RelayService(
            configuration, ruleSet: rules, store: Store(path: scratch.store, wall: 0), http: http,
            secrets: SecretStore(environment: environment), version: "test", log: .quiet)
    }

    private static func org(_ alias: String, _ url: String) -> OrgConfiguration {
        OrgConfiguration(
            alias: alias, loginURL: url,
            auth: .clientCredentials(clientID: .reference(.env("SF_ID")), clientSecret: .env("SF_SECRET")),
            topics: [TopicConfiguration(name: "/data/ChangeEvents")])
    }
}
