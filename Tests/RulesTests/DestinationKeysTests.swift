import Events
import Testing

@testable import Rules

/// Keys of destinations that say where a platform, or a receiver, differs.
@Suite struct DestinationKeysTests {
    private func check(_ destination: String) -> LintReport {
        let text = "sluice: 1\ndestinations:\n  d: \(destination)\nrules: []\n"
        return Lint.check([RuleSource(path: "r.yaml", bytes: Array(text.utf8))])
    }

    private func destination(_ text: String) throws -> Destination {
        let report = check(text)
        return try #require(report.ruleSet?.destinations["d"], "\(report.text)")
    }

    @Test func `concurrency is a number, or found out`() throws {
        let auto = try destination("{kind: webhook, url: 'https://x.example', concurrency: auto}")
        #expect(auto.adaptsConcurrency && auto.concurrency == nil)
        let fixed = try destination("{kind: webhook, url: 'https://x.example', concurrency: 12}")
        #expect(!fixed.adaptsConcurrency && fixed.concurrency == 12)
    }

    @Test func `flows have a bound of their own`() throws {
        #expect(try destination("{kind: flowmate, baseUrl: 'https://x.example'}").flowConcurrency == 4)
        let own = try destination("{kind: flowmate, baseUrl: 'https://x.example', concurrency: 20, flowConcurrency: 12}")
        #expect(own.flowConcurrency == 12 && own.concurrency == 20)
    }

    @Test func `paths, runBody, resolveKey and recordErrors are read`() throws {
        let flowMate = try destination("{kind: flowmate, baseUrl: 'https://x.example', paths: {users: /api/users/}}")
        #expect(flowMate.paths == ["users": "/api/users"])
        let integrator = try destination(
            "{kind: integrator, baseUrl: 'https://x.example', runBody: topLevel, resolveKey: errorIds, "
                + "recordErrors: rerun}")
        #expect(integrator.runBody == "topLevel" && integrator.resolveKey == "errorIds")
        #expect(integrator.recordErrors == "rerun")
    }

    @Test func `discovery says how often flows are read, and which count`() throws {
        let template = String(repeating: "7", count: 24)
        let read = try destination(
            "{kind: flowmate, baseUrl: 'https://x.example', discovery: {refresh: 1m, templates: ['\(template)']}}")
        #expect(read.discovery.refresh == .seconds(60))
        #expect(read.discovery.templates == [template])
        let usual = try destination("{kind: flowmate, baseUrl: 'https://x.example'}")
        #expect(usual.discovery == Destination.Discovery())
    }

    @Test func `OAuth 2 client credentials are read`() throws {
        let read = try destination(
            "{kind: webhook, url: 'https://x.example', allowPrivate: true, auth: {oauth2: {tokenUrl: "
                + "'https://id.example/token', clientId: me, clientSecret: {env: S}, scope: a b, sendSecret: body}}}")
        var expected = Destination.OAuth2(
            tokenURL: "https://id.example/token", clientID: "me", clientSecret: .env("S"))
        expected.scope = "a b"
        expected.sendsSecretInBody = true
        #expect(read.auth == .oauth2(expected) && read.allowPrivate)
    }

    @Test(arguments: [
        ("{kind: webhook, url: 'https://x.example', concurrency: many}", "'concurrency' must be a whole number"),
        ("{kind: webhook, url: 'https://x.example', concurrency: 257}", "'257' is not from 1 to 256"),
        ("{kind: webhook, url: 'https://x.example', flowConcurrency: 2}", "'flowConcurrency' is only for"),
        ("{kind: flowmate, baseUrl: 'https://x.example', flowConcurrency: 0}", "'0' is not"),
        ("{kind: flowmate, baseUrl: 'https://x.example', paths: {users: users}}", "'users' is not a path"),
        ("{kind: flowmate, baseUrl: 'https://x.example', paths: {user: /users}}", "'user' is not a key of paths"),
        ("{kind: flowmate, baseUrl: 'https://x.example', runBody: nested}", "'runBody' is only for"),
        ("{kind: flowmate, baseUrl: 'https://x.example', discovery: {refresh: 5s}}", "'refresh' is from 10s to 24h"),
        ("{kind: integrator, baseUrl: 'https://x.example', runBody: flat}", "'flat' is not one of"),
        ("{kind: integrator, baseUrl: 'https://x.example', recordErrors: drop}", "'drop' is not one of"),
        ("{kind: webhook, url: 'https://x.example', recordErrors: keep}", "'recordErrors' is only for"),
        (
            "{kind: flowmate, baseUrl: 'https://x.example', auth: {oauth2: {tokenUrl: 'https://i.example', clientId: a, "
                + "clientSecret: {env: S}}}}", "'oauth2' is only for destinations of kind webhook"
        ),
        (
            "{kind: webhook, url: 'https://x.example', auth: {oauth2: {tokenUrl: 'http://i.example', clientId: a, "
                + "clientSecret: {env: S}}}}", "plain http would show the client's secret"
        ),
    ])
    func `what cannot be is told`(_ text: String, _ message: String) {
        let report = check(text)
        #expect(report.findings.contains { $0.message.contains(message) }, "\(report.text)")
    }
}
