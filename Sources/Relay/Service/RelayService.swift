import Settings
import Curl
import Events
import Logging
import Rules
import Salesforce
import Store

/// The relay: every org's streams, the rules, the outbox and the destinations, from start to stop.
package actor RelayService {
    /// What a start that failed waits for attempts under way.
    static let failedStartLimit: Duration = .seconds(10)

    private let store: Store
    private let outbox: Outbox
    private let runners: [FlowRunner]
    private let orgs: [OrgService]
    private let log: Logger
    private var running: [Task<Void, Never>] = []
    private var isStopping = false

    /// Checks everything that can be checked without the network. Nothing runs yet.
    package init(
        _ configuration: Configuration, ruleSet: RuleSet, store: Store, http: any HTTPClient, secrets: SecretStore,
        version: String, observer: (any RelayObserver)? = nil, log: Logger
    ) throws(RelayStartError) {
        self.store = store
        self.log = log
        outbox = Outbox(store: store, logger: log, observer: observer)
        let environment = SinkEnvironment(
            http: http, clock: SystemClock(), version: version, secrets: secrets, logger: log)
        let factory = SinkFactory(environment: environment, journal: store, outcomes: outbox)
        var findings: [String] = []
        var destinations: [DispatchDestination] = []
        var runners: [FlowRunner] = []
        for destination in ruleSet.destinations.values.sorted(by: { $0.name < $1.name }) {
            let made = factory.make(destination)
            findings += made.findings.map(\.description)
            guard let ready = made.ready else { continue }
            destinations.append(
                DispatchDestination(
                    name: ready.name, sink: ready.sink, concurrency: ready.concurrency, collector: ready.runner))
            if let runner = ready.runner { runners.append(runner) }
        }
        let parts = RelayParts(
            store: store, outbox: outbox, rules: CurrentRules(ruleSet), http: http, secrets: secrets, time: .system,
            observer: observer, log: log)
        var orgs: [OrgService] = []
        for org in configuration.orgs {
            findings += org.secretProblems(secrets)
            do throws(SetupError) {
                orgs.append(try OrgService(org, parts: parts))
            } catch {
                findings.append("org \(org.alias): \(error)")
            }
        }
        guard findings.isEmpty else { throw .configuration(findings) }
        self.destinations = destinations
        self.runners = runners
        self.orgs = orgs
    }

    private let destinations: [DispatchDestination]

    /// Takes up what the store holds, signs in, and starts every topic. A task that is cancelled meanwhile, and a `stop`,
    /// make it return without having started them.
    ///
    /// - Throws: when Salesforce refuses to sign in, since that is wrong until somebody mends it. A network that is not
    ///   there yet is waited for. Everything is stopped then, so that no attempt under way is broken off unrecorded.
    package func start() async throws(RelayStartError) {
        do throws(StoreError) {
            try await outbox.start(destinations)
        } catch {
            throw .store(error)
        }
        for runner in runners { await runner.start() }
        for org in orgs {
            do throws(SignInError) {
                try await org.signIn()
            } catch {
                guard !Task.isCancelled, !isStopping else { return }
                guard error.isRetryable else {
                    _ = await stop(within: Self.failedStartLimit)
                    throw .signIn(error)
                }
                // The org says so itself, for as long as it lasts.
            }
        }
        guard !Task.isCancelled, !isStopping else { return }
        running = orgs.map { org in Task { await org.run() } }
    }

    /// Takes no further event, lets attempts under way end, writes what is left, and closes the store.
    ///
    /// - Returns: whether everything is safe; if not, the last events come again from their cursors.
    package func stop(within limit: Duration) async -> Bool {
        isStopping = true
        for task in running { task.cancel() }
        // Before the outbox: no run may start or report while it drains.
        for runner in runners { await runner.stop() }
        let isSafe = await outbox.stop(within: limit)
        for task in running { await task.value }
        do throws(StoreError) {
            try store.close()
        } catch {
            log.warning("\(error)")
        }
        return isSafe
    }

    /// Ends the streams; what was taken goes on being delivered.
    package func pause() async {
        for task in running { task.cancel() }
        for task in running { await task.value }
        running = []
    }

    package func status() async -> DispatchStatus { await outbox.status() }
}

/// Why the relay did not start.
package enum RelayStartError: Error, CustomStringConvertible {
    /// One line each.
    case configuration([String])
    case signIn(SignInError)
    case store(StoreError)

    package var description: String {
        switch self {
        case .configuration(let findings): findings.joined(separator: "\n")
        case .signIn(let error): "\(error)"
        case .store(let error): "\(error)"
        }
    }
}
