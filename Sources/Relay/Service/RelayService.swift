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
    /// What a stop waits for changes that somebody asked for: one may wait for a store that cannot be written.
    static let changesLimit: Duration = .seconds(4)

    package nonisolated let monitor: RelayMonitor
    package nonisolated let loader: RulesLoader
    package nonisolated let outbox: Outbox
    nonisolated let store: Store
    nonisolated let rules: CurrentRules
    nonisolated let version: String
    nonisolated let topics: [Cursor.Key]
    nonisolated let topicSwitch: TopicSwitch
    nonisolated let replayOrgs: ReplayOrgs
    nonisolated let replays: ReplayService
    nonisolated let backfills: BackfillService
    /// What a topic without a cursor starts with, as the configuration says.
    nonisolated let starts: [Cursor.Key: String]
    private let gatherer: BatchGatherer
    private let orgs: [OrgService]
    private let source: RulesSource?
    private let log: Logger
    private let secretsFile: String?
    private var running: [Task<Void, Never>] = []
    private var watching: Task<Void, Never>?
    private let sent: SentRecorder
    private var keeping: Task<Void, Never>?
    nonisolated let flows: FlowFinder
    private var accounting: Task<Void, Never>?
    private var isOpen = false
    private var isStopping = false
    nonisolated let stopGate = StopGate()
    /// Deliveries that the store held at the start, for destinations that there are.
    private var foundWaiting = 0

    /// Checks everything that can be checked without the network. Nothing runs yet.
    ///
    /// - Parameters:
    ///   - source: where `ruleSet` came from, and what is read again when it changes; nil for rules that stay.
    ///   - world: everything else from outside.
    package init(
        _ configuration: Configuration, ruleSet: RuleSet, source: RulesSource? = nil, store: Store,
        http: any HTTPClient, secrets: SecretStore, version: String, observer: (any RelayObserver)? = nil,
        world: RelayWorld = RelayWorld(), log: Logger
    ) throws(RelayStartError) {
        self.store = store
        self.source = source
        self.version = version
        self.log = log
        let time = world.time
        let sent = SentRecorder(store: store, time: time, log: log)
        self.sent = sent
        let monitor = RelayMonitor(time: time, next: observer, sent: sent)
        let marks = StreamMarks()
        let rules = CurrentRules(ruleSet)
        let aliases = Set(configuration.orgs.map(\.alias))
        let replayOrgs = ReplayOrgs(store: store, expected: aliases)
        let renderer = EventRenderer(store: store, orgs: replayOrgs, rules: rules, time: time)
        let outbox = Outbox(
            store: store, clock: time, limits: world.limits, logger: log, observer: monitor,
            renderer: renderer, labels: { rules.current.labels(of: $0) }, marks: marks, executors: world.attempts)
        let gatherer = BatchGatherer(outbox: outbox, rules: rules, marks: marks, time: time, log: log)
        let topicSwitch = TopicSwitch()
        self.gatherer = gatherer
        self.topicSwitch = topicSwitch
        self.replayOrgs = replayOrgs
        replays = ReplayService(
            ReplayParts(store: store, outbox: outbox, rules: rules, orgs: replayOrgs, time: time, log: log) {
                monitor.replayed($0)
            })
        self.monitor = monitor
        self.outbox = outbox
        self.rules = rules
        let topics = configuration.orgs.flatMap { org in
            org.topics.map { (Cursor.Key(org: org.alias, topic: $0.name), $0.start.rawValue) }
        }
        self.topics = topics.map(\.0)
        starts = Dictionary(topics, uniquingKeysWith: { first, _ in first })
        let environment = SinkEnvironment(
            http: http, clock: time, version: version, secrets: secrets, logger: log, executors: world.attempts)
        let flows = FlowFinder(rules: rules, environment: environment, journal: store) { await outbox.hurry($0) }
        self.flows = flows
        let salesforceOrgs = SalesforceOrgs(
            clients: Dictionary(
                configuration.orgs.map { ($0.alias, $0.restOptions.clientName) }, uniquingKeysWith: { first, _ in first }))
        let factory = SinkFactory(
            environment: environment, journal: store, outcomes: outbox, contracts: flows, renderer: renderer,
            orgs: salesforceOrgs,
            hurry: { await outbox.hurry($0) })
        let plan = DestinationTable().plan(for: ruleSet.destinations, factory: factory, secrets: secrets)
        loader = RulesLoader(
            ruleSet, table: plan.table, source: source, current: rules, outbox: outbox, gatherer: gatherer,
            factory: factory, secrets: secrets, monitor: monitor, alerts: configuration.alerts?.destination,
            beside: world.beside, log: log)
        var findings = plan.findings
        let backfills = BackfillService(
            BackfillParts(
                store: store, outbox: outbox, rules: rules, orgs: BackfillOrgs(expected: aliases),
                gate: SnapshotGate(store: store, time: time), time: time, log: log),
            topics: topics.map(\.0))
        self.backfills = backfills
        let parts = RelayParts(
            store: store, outbox: outbox, rules: rules, http: http, pubsub: world.pubsub, secrets: secrets, time: time,
            monitor: monitor,
            replayOrgs: replayOrgs, replays: replays, topics: topicSwitch, flows: flows,
            gate: QuarantineGate(store: store, time: time),
            alerts: configuration.alerts.map {
                LossAlerts(
                    destination: $0.destination, target: $0.target, outbox: outbox, time: time, log: log)
            }, backfills: backfills, salesforceOrgs: salesforceOrgs,
            orgNames: Set(configuration.orgs.map(\.alias)), log: log)
        var orgs: [OrgService] = []
        for org in configuration.orgs {
            findings += org.secretProblems(secrets)
            do throws(SetupError) {
                orgs.append(try OrgService(org, parts: parts))
            } catch {
                findings.append("org \(org.alias): \(error)")
            }
        }
        if let alerts = configuration.alerts, ruleSet.destinations[alerts.destination] == nil {
            findings.append(AlertConfiguration.missing(alerts.destination))
        }
        guard findings.isEmpty else { throw .configuration(findings) }
        self.orgs = orgs
        secretsFile = secrets.file
    }

    /// Takes up what the store holds, and goes on delivering it. From here on the relay answers questions.
    package func open() async throws(RelayStartError) {
        guard !isOpen else { return }
        isOpen = true
        await outbox.gather(by: gatherer)
        await flows.openAccounts()
        accounting = Task { [flows] in await flows.keepAccounts() }
        do throws(StoreError) {
            try await store.keepStates(ofTopics: Set(topics))
            let destinations = await loader.destinations
            foundWaiting = try await countWaiting(for: Set(destinations.map(\.name)))
            try await outbox.start(destinations)
            try await replays.takeUp()
            try await backfills.start()
        } catch {
            throw .store(error)
        }
        for runner in await loader.runners { await runner.start() }
        for watch in await loader.watches { await watch.start() }
        if store.keepsSent { keeping = Task { [sent] in await sent.run() } }
        watchRules()
    }

    /// Opens, signs in, and starts every topic. A task that is cancelled meanwhile, and a `stop`, make it return without
    /// having started them.
    ///
    /// - Throws: when Salesforce refuses every org and the store held nothing to send: that is wrong until somebody mends
    ///   it, and best said to who has just set it up. Everything is stopped then, so that no attempt under way is broken
    ///   off unrecorded. With deliveries to send the relay stays, since they need no org. A network that is not there yet
    ///   is waited for, and so is an org that is refused beside others that are not.
    package func start() async throws(RelayStartError) {
        try await open()
        let refusals = await signIn()
        guard !Task.isCancelled, !isStopping else { return }
        let isAll = refusals.count == orgs.count
        if isAll, foundWaiting == 0, let refusal = refusals.first {
            _ = await stop(within: Self.failedStartLimit)
            throw .signIn(refusal.error)
        }
        let rest = isAll ? "What waits in the store (\(foundWaiting)) goes on" : "The other orgs go on"
        let next = "this one is tried again by itself, seldom, and once its secret is corrected"
        for refusal in refusals {
            log.error(
                "\(refusal.error) \(rest); \(next).",
                metadata: ["org": "\(refusal.org.alias)"])
            run(refusal.org, refused: refusal.error)
        }
    }

    private func countWaiting(for destinations: Set<String>) async throws(StoreError) -> Int {
        try await store.pendingCounts().filter { destinations.contains($0.destination) }.map(\.count).reduce(0, +)
    }

    /// All orgs beside each other; each begins at once, whatever becomes of the others.
    ///
    /// - Returns: those that Salesforce refused, which have not begun.
    private func signIn() async -> [(org: OrgService, error: SignInError)] {
        await withTaskGroup(of: (org: OrgService, error: SignInError?).self) { group in
            for org in orgs {
                group.addTask {
                    do throws(SignInError) {
                        try await org.signIn()
                        return (org, nil)
                    } catch {
                        // What passes, the org says itself, for as long as it lasts.
                        return (org, error.isRetryable ? nil : error)
                    }
                }
            }
            var refusals: [(org: OrgService, error: SignInError)] = []
            for await (org, error) in group {
                guard !Task.isCancelled, !isStopping else { continue }
                if let error { refusals.append((org, error)) } else { run(org) }
            }
            return refusals
        }
    }

    private func run(_ org: OrgService, refused: SignInError? = nil) {
        running.append(Task { await org.run(refused: refused) })
    }

    /// Reads the rules and the file of secrets again, and has refused sign-ins tried soon: what is in the way may have been
    /// mended in Salesforce.
    ///
    /// - Returns: nil for rules that stay.
    @discardableResult
    package nonisolated func reload() async -> ReloadAnswer? {
        for org in orgs { await org.hurrySignIn() }
        return await loader.reload()
    }

    /// Takes no further event, lets attempts under way end, writes what is left, and closes the store.
    ///
    /// - Returns: whether everything is safe; if not, the last events come again from their cursors.
    package func stop(within limit: Duration) async -> Bool {
        let isSafe = await drain(within: limit)
        closeStore()
        return isSafe
    }

    /// Takes no further event or change, lets attempts under way end, and writes what is left. Questions are answered until
    /// the store is closed.
    ///
    /// - Returns: as `stop`.
    package func drain(within limit: Duration) async -> Bool {
        isStopping = true
        watching?.cancel()
        for task in running { task.cancel() }
        await stopGate.close(
            endsBy: monitor.time.wall() + Outbox.longestStop(within: limit).milliseconds, within: Self.changesLimit,
            monitor.time)
        // Before the outbox: no run may start or report while it drains.
        await replays.stop()
        await backfills.stop()
        await gatherer.stop()
        for runner in await loader.runners { await runner.stop() }
        for watch in await loader.watches { await watch.stop() }
        let isSafe = await outbox.stop(within: limit)
        for task in running { await task.value }
        keeping?.cancel()
        await keeping?.value
        accounting?.cancel()
        await accounting?.value
        return isSafe
    }

    package func closeStore() {
        do throws(StoreError) {
            try store.close()
        } catch {
            log.warning("\(error)")
        }
    }

    /// Ends at once and writes nothing more, as a crash would; for simulations, whose process goes on.
    package func abandon() async {
        isStopping = true
        watching?.cancel()
        keeping?.cancel()
        for task in running { task.cancel() }
        await replays.stop()
        await backfills.stop()
        await gatherer.stop()
        for runner in await loader.runners { await runner.stop() }
        for watch in await loader.watches { await watch.stop() }
        await outbox.abandon()
    }

    /// Ends the streams; what was taken goes on being delivered.
    package func pause() async {
        for task in running { task.cancel() }
        for task in running { await task.value }
        running = []
    }

    /// Whether the outbox does its work. Waits as long as it takes to answer.
    package nonisolated func isAlive() async -> Bool {
        _ = await outbox.status()
        return true
    }

    package func status() async -> DispatchStatus { await outbox.status() }

    /// And the file of their secrets.
    private func watchRules() {
        guard let source, !source.paths.isEmpty else { return }
        do throws(WatchProblem) {
            let watch = RulesWatch(
                watch: try FolderWatch(source.paths), secretsFile: secretsFile, loader: loader, time: monitor.time, log: log)
            watching = Task { await watch.run() }
        } catch {
            log.warning("\(error) Edited rules are read on SIGHUP and by `sluice rules reload` only.")
        }
    }
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
