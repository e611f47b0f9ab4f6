import Events
import Settings
import Testing

@Suite struct AuthConfigurationTests {
    @Test func `each flow is read`() throws {
        let jwt = try org(
            "jwtBearer: {clientId: abc, username: u@acme.com, key: {file: key.pem}, audience: 'https://test.salesforce.com'}"
        )
        #expect(
            jwt.auth
                == .jwtBearer(
                    clientID: .text("abc"), username: "u@acme.com", key: .file("key.pem"),
                    audience: "https://test.salesforce.com"))
        let refresh = try org("refreshToken: {clientId: {env: ID}, clientSecret: {env: S}, tokenKey: {env: K}}")
        var expected = RefreshTokenConfiguration(
            clientID: .reference(.env("ID")), clientSecret: .env("S"), tokenKey: .env("K"),
            tokenFile: "conf/salesforce-prod.token")
        #expect(refresh.auth == .refreshToken(expected))
        #expect(refresh.auth.references == [.env("ID"), .env("K"), .env("S")])
        expected.callback = "http://127.0.0.1:8085/back"
        expected.tokenFile = "/var/lib/sluice/token"
        #expect(
            try org(
                "refreshToken: {clientId: {env: ID}, clientSecret: {env: S}, tokenKey: {env: K}, "
                    + "tokenFile: /var/lib/sluice/token, callback: 'http://127.0.0.1:8085/back'}"
            ).auth
                == .refreshToken(expected))
        #expect(
            try org("password: {clientId: a, clientSecret: {env: S}, username: u, password: {env: P}}").auth
                == .password(
                    PasswordConfiguration(
                        clientID: .text("a"), clientSecret: .env("S"), username: "u", password: .env("P"))))
    }

    @Test func `what happens when the org changes, and how REST is used`() throws {
        let org = try org(
            "{accessToken: {env: T}, onOrgChange: follow}",
            more: "rest: {dailyShare: 20, apiVersion: '60.0', concurrency: 3}")
        #expect(org.onOrgChange == .follow)
        #expect(org.rest.dailyShare == 20 && org.rest.apiVersion == "60.0" && org.rest.concurrency == 3)
        let usual = try self.org("accessToken: {env: T}")
        #expect(usual.onOrgChange == .stop && usual.rest == RESTConfiguration())
    }

    /// What `auth` says, and part of the finding.
    @Test(arguments: [
        ("{}", "", "auth needs one of 'clientCredentials', 'jwtBearer', 'refreshToken'"),
        (
            "{accessToken: {env: T}, password: {clientId: a, clientSecret: {env: S}, username: u, password: {env: P}}}",
            "",
            "cannot both be given"
        ),
        (
            "password: {clientId: a, clientSecret: {env: S}, username: u, password: {env: P}}", "",
            "Salesforce blocks this flow"
        ),
        (
            "password: {clientId: a, clientSecret: {env: S}, username: u, password: hunter2}", "",
            "error[secret-literal]"
        ),
        (
            "{jwtBearer: {clientId: a, username: u, key: {env: K}}, tenantId: 00D000000000001}", "",
            "only for accessToken"
        ),
        (
            "refreshToken: {clientId: a, tokenKey: {env: K}, callback: 'https://acme.com/back'}", "",
            "no loopback address"
        ),
        ("accessToken: {env: T}", "rest: {apiVersion: v60}", "is no API version"),
        ("accessToken: {env: T}", "rest: {dailyShare: 0}", "error[bad-value]"),
    ])
    func `what is wrong is said`(auth: String, more: String, expected: String) {
        let shown = file(auth, more).findings.map(\.text).joined()
        #expect(shown.contains(expected), "\(shown)")
        #expect(!shown.contains("hunter2"))
    }

    private func org(_ auth: String, more: String = "") throws -> OrgConfiguration {
        let file = file(auth, more)
        return try #require(file.configuration, "\(file.findings.map(\.text).joined())").orgs[0]
    }

    private func file(_ auth: String, _ more: String) -> ConfigurationFile {
        let text = """
            orgs:
              prod:
                loginUrl: https://acme.my.salesforce.com
                auth: \(auth.hasPrefix("{") ? auth : "{\(auth)}")
                topics: [/data/ChangeEvents]
                \(more)

            """
        return ConfigurationFile(path: "conf/sluice.yaml", bytes: Array(text.utf8))
    }
}
