import Settings
import Testing

@Suite struct ConfigurationFileTests {
    private static let good = """
        orgs:
          prod:
            loginUrl: https://acme.my.salesforce.com
            auth:
              clientCredentials: {clientId: {env: SF_CLIENT_ID}, clientSecret: {file: secrets/salesforce}}
            pubsub: {endpoint: "api.deu.pubsub.salesforce.com:7443", watchdog: 3s, window: 10}
            topics:
              - /data/ChangeEvents
              - {name: /event/Order_Ready__e, start: earliest, onInvalidReplay: stop}
        rules: my-rules
        store: {path: data/sluice.db}
        log: {level: warning, format: json}

        """

    @Test func `everything that is said is read, paths relative to the file`() throws {
        let file = ConfigurationFile(path: "conf/sluice.yaml", bytes: Array(Self.good.utf8))
        #expect(file.findings.isEmpty)
        let configuration = try #require(file.configuration)
        #expect(configuration.rulesPath == "conf/my-rules")
        #expect(configuration.storePath == "conf/data/sluice.db")
        #expect(configuration.log.level == .warning && configuration.log.format == .json)
        let org = try #require(configuration.orgs.first)
        #expect(org.alias == "prod")
        #expect(
            org.auth
                == .clientCredentials(
                    clientID: .reference(.env("SF_CLIENT_ID")), clientSecret: .file("secrets/salesforce")))
        #expect(org.pubsub.host == "api.deu.pubsub.salesforce.com" && org.pubsub.port == 7443)
        #expect(org.pubsub.watchdog == .seconds(3) && org.pubsub.window == 10)
        #expect(org.topics.map(\.name) == ["/data/ChangeEvents", "/event/Order_Ready__e"])
        #expect(org.topics[1].start == .earliest && org.topics[1].onInvalidReplay == .stop)
    }

    @Test func `what is left out has its default`() throws {
        let text = """
            orgs:
              a:
                loginUrl: acme.my.salesforce.com
                auth: {accessToken: {env: TOKEN}}
                topics: [/data/AccountChangeEvent]

            """
        let configuration = try #require(ConfigurationFile(path: "sluice.yaml", bytes: Array(text.utf8)).configuration)
        #expect(configuration.rulesPath == "rules" && configuration.storePath == "sluice.db")
        #expect(configuration.orgs[0].pubsub == PubSubConfiguration())
        #expect(configuration.orgs[0].topics[0].start == .latest)
    }

    /// What is written, and the first line of each finding.
    @Test(arguments: [
        ("clientSecret: {file: secrets/salesforce}", "clientSecret: abc123", "sluice.yaml:5:72: error[secret-literal]"),
        ("rules: my-rules", "rulez: my-rules", "sluice.yaml:10:1: error[unknown-key]: 'rulez' is not a key of sluice.yaml"),
        ("watchdog: 3s", "watchdog: 3", "error[bad-duration]"),
        ("watchdog: 3s", "watchdog: 0s", "error[bad-duration]"),
        ("window: 10", "window: 500", "error[bad-value]"),
        ("start: earliest", "start: yesterday", "error[bad-value]"),
        ("- /data/ChangeEvents", "- ChangeEvents", "error[bad-value]: 'ChangeEvents' is not a topic"),
        ("- /data/ChangeEvents", "- /event/Order_Ready__e", "is also listed at line 8"),
        ("salesforce.com:7443", "salesforce.com:port", "is not host:port"),
        ("loginUrl:", "loginURL:", "error[unknown-key]: 'loginURL' is not a key of an org"),
        ("window: 10}", "window: 10, plaintext: true}", "would send the access token"),
        ("topics:\n", "topics: []\n    other:\n", "error"),
        ("pubsub: {", "pubsub: {{", "error[yaml"),
    ])
    func `what is wrong is said with its place`(original: String, replacement: String, expected: String) {
        let text = Self.good.replacing(original, with: replacement, maxReplacements: 1)
        let file = ConfigurationFile(path: "sluice.yaml", bytes: Array(text.utf8))
        #expect(file.configuration == nil)
        let shown = file.findings.map(\.text).joined()
        #expect(shown.contains(expected), "\(shown)")
        #expect(!shown.contains("abc123"))
    }

    @Test func `all findings come at once`() {
        let text = "orgs:\n  A_B: {}\nrulez: x\n"
        let file = ConfigurationFile(path: "sluice.yaml", bytes: Array(text.utf8))
        #expect(file.findings.count >= 4)
    }
}
