import Curl
import Events
import FoundationEssentials
import Rules
import Store
import Synchronization
import Testing
import TestSupport

@testable import Relay

/// A loader over a folder with one rule file, with everything that a reload changes.
struct LoaderBench {
    let files: RuleFiles
    let scratch = Scratch()
    let lines = LogLines()
    let http: AnsweringHTTP
    let monitor: RelayMonitor
    let store: Store
    let outbox: Outbox
    let current: CurrentRules
    let loader: RulesLoader

    init(
        status: Int = 200, problem: @escaping @Sendable () -> String? = { nil }, alerts: String? = nil
    ) async throws {
        files = try RuleFiles()
        http = AnsweringHTTP(status)
        try files.write("a.yaml", Self.rules(["one"]))
        let source = RulesSource(paths: [files.rules], options: Lint.Options())
        let ruleSet = try #require(try source.check().ruleSet)
        // The events of tests are old.
        var limits = StoreLimits()
        limits.journalMilliseconds = .max / 4
        store = try Store(path: scratch.store, limits: limits, wall: 0)
        monitor = RelayMonitor()
        outbox = Outbox(store: store, logger: lines.logger, observer: monitor)
        current = CurrentRules(ruleSet)
        let secrets = SecretStore(baseDirectory: files.rules, problem: problem) { [:] }
        let environment = SinkEnvironment(
            http: http, clock: .system, version: "test", secrets: secrets, logger: .quiet)
        let factory = SinkFactory(environment: environment, journal: store, outcomes: outbox)
        let plan = DestinationTable().plan(for: ruleSet.destinations, factory: factory, secrets: secrets)
        loader = RulesLoader(
            ruleSet, table: plan.table, source: source, current: current, outbox: outbox, factory: factory,
            secrets: secrets, monitor: monitor, alerts: alerts, log: lines.logger)
        try await outbox.start(await loader.destinations)
        await loader.reload(onlyIfEdited: true)
    }

    static func rules(_ ids: [String], destination: String = "hook", auth: String? = nil) -> String {
        let auth = auth.map { ", auth: \($0)" } ?? ""
        return """
            sluice: 1
            destinations:
              \(destination): {kind: webhook, url: "https://hooks.example.com/x"\(auth)}
            rules:

            """
            + ids.map { id in
                """
                  - id: \(id)
                    match: {entity: Sample__c, change: [create, update]}
                    onGap: skip
                    to: {destination: \(destination), body: {id: "${recordId}"}}

                """
            }.joined()
    }
}

/// Answers every request with one status, and remembers them.
final class AnsweringHTTP: HTTPClient {
    private let state: Mutex<(status: Int, requests: [HTTPRequest])>

    init(_ status: Int) { state = Mutex((status, [])) }

    var requests: [HTTPRequest] { state.withLock { $0.requests } }

    func answerWith(_ status: Int) { state.withLock { $0.status = status } }

    func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse {
        let status = state.withLock { state in
            state.requests.append(request)
            return state.status
        }
        return HTTPResponse(status: status)
    }
}

extension String {
    func replacing(_ part: String, with other: String) -> String {
        split(separator: part, omittingEmptySubsequences: false).joined(separator: other)
    }
}
