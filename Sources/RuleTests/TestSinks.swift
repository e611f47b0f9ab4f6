import Events
import IntegratorIO
import Logging
import Relay
import Rules

/// The relay's own sinks, with test secrets, a clock that stands, and a recorder for a network.
final class TestSinks {
    let http: RecordingHTTP
    private let clock: TestClock
    private let rules: RuleSet
    private let given: [String: String]
    private let contracts: GivenContracts
    private var destinations: [String: ReadyDestination] = [:]
    private var runClients: [String: IntegratorClient] = [:]

    init(_ test: TestCase, rules: RuleSet, secrets: [String: String], clock: TestClock) {
        self.rules = rules
        given = secrets
        self.clock = clock
        contracts = GivenContracts(test.flows.values.joined(), rules: rules)
        http = RecordingHTTP(scripts: test.answers)
    }

    /// - Throws: `SinkFinding` if the destination cannot be called as it is configured.
    func ready(_ name: String) throws -> ReadyDestination {
        if let ready = destinations[name] { return ready }
        let (destination, environment) = prepared(name)
        let factory = SinkFactory(
            environment: environment, journal: NothingKept(), outcomes: NothingKept(), contracts: contracts,
            orgs: SalesforceOrgs { [http] org in RehearsedWriter(org: org, http: http) })
        let made = factory.make(destination)
        if let finding = made.findings.first { throw finding }
        guard let ready = made.ready else { preconditionFailure("without findings there is a destination") }
        destinations[name] = ready
        return ready
    }

    /// For the runs of an integrator.io destination.
    func runClient(_ name: String) throws -> IntegratorClient {
        if let client = runClients[name] { return client }
        _ = try ready(name)
        let (destination, environment) = prepared(name)
        guard destination.kind == .integrator,
            let settings = try? PlatformAccess.integrator(destination, environment)
        else {
            preconditionFailure("only destinations of integrator.io have runs")
        }
        let client = IntegratorClient(settings: settings, http: http)
        runClients[name] = client
        return client
    }

    private func prepared(_ name: String) -> (Destination, SinkEnvironment) {
        guard let destination = rules.destinations[name] else {
            preconditionFailure("rules name only destinations that exist")
        }
        var secrets = StandInSecrets(given)
        let replaced = secrets.replace(in: destination)
        let logger = Logger(label: "rule tests") { _ in SwiftLogNoOpLogHandler() }
        return (
            replaced,
            SinkEnvironment(
                http: http, clock: clock.source, version: "test", secrets: secrets.store, logger: logger)
        )
    }
}
