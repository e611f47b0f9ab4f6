import ArgumentParser
import Control
import Curl
import Events
import FoundationEssentials
import Logging
import Relay
import Rules
import Settings
import Store

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Relays events until it is stopped (SIGTERM or SIGINT).",
        discussion: """
            Edited rule files are put in force by themselves, and on SIGHUP. If Salesforce refuses to sign in to every \
            org, it ends with 3, unless the store holds deliveries to send.
            """)

    /// What a start that failed waits for what it began.
    static let failedStartLimit: Duration = .seconds(5)
    /// For requests to the control socket and the console that are under way.
    static let doorsLimit: Duration = .seconds(4)
    /// What systemd is asked to grant a start.
    static let startLimit: Duration = .seconds(300)

    @OptionGroup var options: ConfigurationOption
    // Container engines kill after ten seconds.
    @Option(
        help: """
            Seconds that a stop waits for attempts under way, 1 to 300. Those that take longer are made again after the \
            next start, under the same ID.
            """)
    var stopWithin = 8

    func validate() throws {
        guard (1...300).contains(stopWithin) else { throw ValidationError("--stop-within takes 1 to 300 seconds.") }
    }

    func run() async throws {
        let loaded = try options.load(showsWarnings: true)
        let rules = try loaded.ruleSet(showsWarnings: true)
        let log = loaded.logger()
        // Before anything starts, so that a signal never finds the default action.
        let signals = StopSignals()
        let hangups = RunHangups()
        let store = try openStore(loaded.configuration)
        let service: RelayService
        do throws(RelayStartError) {
            service = try RelayService(
                loaded.configuration, ruleSet: rules, source: loaded.rulesSource, store: store, http: CurlClient(),
                secrets: loaded.secrets, version: Sluice.version, log: log)
            try await service.open()
        } catch {
            throw CommandFailure(error.code, "\(error)")
        }
        // Reading rules and opening the store took most of the code that a start takes; the peak need not hold both.
        ResidentMemory.trimAfterStart()
        let systemd = ServiceNotifier(environment: ProcessInfo.processInfo.environment)
        // Signing in may take as long as a network that is slow to come up.
        systemd?.send(.extendTimeout(Self.startLimit))
        let doors = try await RunDoors.open(service, loaded.configuration, log)
        let reloading = Task {
            for await _ in hangups.signals {
                log.notice("SIGHUP: reading the rules again")
                if await service.reload()?.outcome == .unchanged { log.notice("the rules have not changed") }
            }
        }
        defer { reloading.cancel() }
        let signal = Task { await signals.first() }
        do {
            if try await start(service, until: signal) {
                sayStarted(loaded, rules, store, log)
                systemd?.send(.ready)
            }
        } catch {
            await doors.close()
            throw error
        }
        // Now, and once the first events went through: under load at once, on a quiet topic later.
        let trim = Task {
            for wait in [Duration.zero, .milliseconds(500), .seconds(5)] {
                guard (try? await Task.sleep(for: wait)) != nil else { return }
                ResidentMemory.trimAfterStart()
            }
        }
        defer { trim.cancel() }
        // Its outbox and its store answer: that is what makes it alive.
        let beat = Task { await systemd?.keepAlive(.system) { await service.isAlive() } }
        defer { beat.cancel() }
        let name = await signal.value
        // Beside the attempts: changes under way, the last commit, and requests.
        systemd?.send(.stopping, .extendTimeout(.seconds(stopWithin + 15)))
        log.notice("stopping on \(name); a second signal ends at once")
        signals.exitOnNext()
        let isSafe = await service.drain(within: .seconds(stopWithin))
        // Before the store is closed: its next owner listens at the same place.
        await doors.close(within: Self.doorsLimit)
        await service.closeStore()
        guard isSafe else {
            throw CommandFailure(
                .failed, "stopped before everything was written; those events come again from their cursors.")
        }
        log.notice("stopped; everything is stored")
    }

    /// Signing in can take as long as a network that does not answer: a signal ends that too.
    ///
    /// - Returns: whether it runs now; if not, a signal came first.
    private func start(_ service: RelayService, until signal: Task<String, Never>) async throws -> Bool {
        let starting = Task { () async -> RelayStartError? in
            do throws(RelayStartError) {
                try await service.start()
                return nil
            } catch {
                return error
            }
        }
        Task {
            _ = await signal.value
            starting.cancel()
        }
        let failure = await starting.value
        guard !starting.isCancelled else { return false }
        if let failure { throw CommandFailure(failure.code, "\(failure)") }
        return true
    }

    private func sayStarted(_ loaded: Loaded, _ rules: RuleSet, _ store: Store, _ log: Logger) {
        let topics = loaded.configuration.orgs.map(\.topics.count).reduce(0, +)
        log.notice(
            """
            started: \(counted(topics, "topic")), \(counted(rules.ruleIDs.count, "rule")), \
            \(counted(rules.destinations.count, "destination"))
            """,
            metadata: ["store": "\(store.path)", "rules": "\(rules.hash.prefix(12))", "version": "\(Sluice.version)"])
        let names = loaded.configuration.orgs.flatMap { $0.topics.map(\.name) }
        for unheard in UnheardSubjects.sentences(rules, topics: names).prefix(Self.mostUnheard) {
            log.warning("\(unheard.text). \(UnheardSubjects.advice)")
        }
    }

    private static let mostUnheard = 10

    private func openStore(_ configuration: Configuration) throws -> Store {
        do throws(StoreError) {
            return try Store(
                path: configuration.storePath, command: "sluice run", limits: StoreLimits(configuration.store),
                wall: TimeSource.system.wall())
        } catch {
            throw CommandFailure(.environment, "\(error)")
        }
    }
}

extension Loaded {
    /// What the rules are read from, now and at every reload.
    var rulesSource: RulesSource {
        RulesSource(
            paths: [configuration.rulesPath], options: Lint.Options(knownOrgs: configuration.orgs.map(\.alias)))
    }
}

extension RelayStartError {
    var code: CommandFailure.Code {
        switch self {
        case .configuration: .badInput
        case .signIn, .store: .environment
        }
    }
}
