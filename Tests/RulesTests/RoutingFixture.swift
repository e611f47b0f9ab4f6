import Events
import Testing

@testable import Rules

/// A record as the decoder would show it: only what is known.
struct KnownRecord: RecordView {
    var fields: Fields

    func value(at path: [String]) -> Value? {
        var value: Value? = .record(fields)
        for name in path {
            guard case .record(let inner) = value else { return nil }
            value = inner[name]
        }
        return value
    }

    func known() -> Fields { fields }
}

enum Fixture {
    static let replayID = ReplayID([0, 0, 0, 0, 0, 1, 2, 3])!
    /// 2026-11-22T03:00:30Z
    static let time: Int64 = 1_795_316_430_000

    static func change(
        _ type: ChangeType, entity: String = "Account", id: String = "001000000000001AAA", changed: [String] = [],
        nulled: [String] = [], diff: [String] = [], origin: String = "", user: String = "005000000000001AAA",
        _ fields: Fields = [:]
    ) -> Event {
        let header = ChangeEventHeader(
            entityName: entity, recordIds: [id], changeType: type, changeOrigin: origin, transactionKey: "000f07d5",
            sequenceNumber: 1, commitTimestamp: time, commitNumber: 9_007_199_254_740_993, commitUser: user,
            nulledFields: nulled, diffFields: diff, changedFields: changed)
        return Event(
            id: "e-1", kind: .change, entity: entity, topic: "/data/ChangeEvents", replayID: replayID, schemaID: "s",
            time: time, receivedAt: time + 250, header: header, recordID: id, record: KnownRecord(fields: fields),
            org: Org(id: "00D000000000001EAA", alias: "prod", instanceURL: "", isSandbox: false))
    }

    static func platform(_ name: String, _ fields: Fields = [:]) -> Event {
        Event(
            id: "e-2", kind: .platform, entity: name, topic: "/event/\(name)", replayID: replayID, schemaID: "s",
            time: time, receivedAt: time, header: nil, recordID: "", record: KnownRecord(fields: fields),
            org: Org(id: "00D000000000001EAA", alias: "prod", instanceURL: "", isSandbox: true))
    }

    /// A set with the destinations `hook`, `flowmate` and `celigo` (listener `accounts`); fails the test on an error.
    static func ruleSet(_ rules: String, vars: String = "{}") throws -> RuleSet {
        let text = """
            sluice: 1
            vars: \(vars)
            destinations:
              hook: {kind: webhook, url: 'https://hooks.example.com/x'}
              slash: {kind: webhook, url: 'https://hooks.example.com/x/'}
              flowmate: {kind: flowmate, baseUrl: 'https://api.example.com/'}
              celigo:
                kind: integrator
                baseUrl: https://api.integrator.io
                listeners: {accounts: {url: {env: ACCOUNTS_URL}}}
            rules:
            \(rules)
            """
        let report = Lint.check([RuleSource(path: "rules.yaml", bytes: Array(text.utf8))])
        return try #require(report.ruleSet, "\(report.text)")
    }

    /// One rule on Account with a `match` and a body, to `hook`.
    static func rule(match: String, body: String = "{}", more: String = "") throws -> RuleSet {
        try ruleSet("- {id: one, match: {\(match)}, \(more) to: {destination: hook, body: \(body)}}")
    }
}

extension RuleSet {
    /// Shown to every rule, so that outcomes tell of each of them. What is delivered has to be what the index finds.
    func route(_ event: Event) -> RoutingResult {
        let result = routeByScan(event, now: Fixture.time + 1000)
        let indexed = route(event, now: Fixture.time + 1000)
        #expect(indexed.deliveries.map(\.id) == result.deliveries.map(\.id))
        #expect(indexed.failures == result.failures && indexed.wants == result.wants)
        return result
    }

    func matches(_ event: Event) -> Bool { route(event).outcomes.contains { $0.kind == .matched } }

    /// The bodies of all deliveries, as text.
    func bodies(_ event: Event) -> [String] {
        route(event).deliveries.map { String(decoding: $0.body, as: UTF8.self) }
    }
}

extension Value: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) { self = .string(value) }
}
