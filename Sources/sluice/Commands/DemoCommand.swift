import ArgumentParser
import Settings
import Curl
import Emulator
import Events
import FoundationEssentials
import Logging
import Relay
import Rules
import Store

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Starts an emulated Salesforce, FlowMate and integrator.io, and shows events on their way.",
        discussion: "Needs no org, no network and no configuration. Ends with Ctrl-C, or by itself with --events.")

    /// What the demo waits for deliveries under way, runs of flows included, after the last event.
    static let drainLimit: Duration = .seconds(30)

    @Option(parsing: .unconditional, help: "End after this many events, once they are delivered.", transform: WholeNumber.atLeastOne.parse)
    var events: Int?
    @Option(help: "Salesforce transactions per second.") var rate = 3.0

    func validate() throws {
        guard rate > 0, rate <= 1000 else { throw ValidationError("--rate is above 0 and at most 1000.") }
    }

    func run() async throws {
        let signals = StopSignals()
        let log = Logger(label: "demo") { LineLogHandler(label: $0, format: .text, logLevel: .warning) }
        let screen = DemoScreen(limit: events)
        let folder = try DemoFolder()
        defer { folder.remove() }
        let emulator = try await startEmulator(log)
        let setup = EmulatedSetup(emulator)
        let service: RelayService
        do throws(RelayStartError) {
            service = try relay(setup, folder, screen, log)
            try await service.start()
        } catch {
            await emulator.stop()
            throw CommandFailure(error.code, "\(error)")
        }
        screen.title(emulator)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { _ = await signals.first() }
            if events != nil { group.addTask { await screen.full() } }
            await group.next()
            group.cancelAll()
        }
        // Waiting for the last deliveries may take long: a second Ctrl-C ends that.
        signals.exitOnNext()
        await drain(service)
        let status = await service.status()
        let isSafe = await service.stop(within: .seconds(10))
        let received = await emulator.received().count
        await emulator.stop()
        screen.summary(status, received: received)
        guard isSafe else { throw CommandFailure(.failed, "not everything could be written before the end.") }
    }

    private func startEmulator(_ log: Logger) async throws -> EmulatorHandle {
        var options = EmulatorOptions()
        options.rate = rate
        do {
            return try await EmulatorServer.start(options, logger: log)
        } catch {
            throw CommandFailure(.environment, "cannot start the emulator: \(error)")
        }
    }

    private func relay(
        _ setup: EmulatedSetup, _ folder: DemoFolder, _ screen: DemoScreen, _ log: Logger
    ) throws(RelayStartError) -> RelayService {
        let file = ConfigurationFile(path: folder.path + "/sluice.yaml", bytes: Array(setup.configuration.utf8))
        let report = Lint.check([RuleSource(path: "rules.yaml", bytes: Array(setup.rules.utf8))])
        guard let configuration = file.configuration, let rules = report.ruleSet else {
            throw .configuration(file.findings.map(\.text) + [report.text])
        }
        let store: Store
        do throws(StoreError) {
            store = try Store(path: configuration.storePath, command: "sluice demo", wall: TimeSource.system.wall())
        } catch {
            throw .store(error)
        }
        return try RelayService(
            configuration, ruleSet: rules, store: store, http: CurlClient(),
            secrets: SecretStore(environment: setup.environment), version: Sluice.version, observer: screen, log: log)
    }

    /// Waits until nothing is pending, within the limit: what is left is kept in the store of a real relay.
    private func drain(_ service: RelayService) async {
        await service.pause()
        let deadline = ContinuousClock.now.advanced(by: Self.drainLimit)
        while ContinuousClock.now < deadline, await service.status().destinations.contains(where: { $0.pending > 0 }) {
            guard (try? await Task.sleep(for: .milliseconds(50))) != nil else { return }
        }
    }
}

/// A store that lasts as long as the demo.
private struct DemoFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/sluice-demo-\(UUID().uuidString)"
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw CommandFailure(.environment, "cannot make the folder \(path) for the demo's store: \(error)")
        }
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
