import ArgumentParser
import Emulator
import Logging

struct EmulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "emulate",
        abstract: "Runs a local Salesforce, FlowMate and integrator.io on 127.0.0.1.",
        discussion: """
            Prints the settings that point a sluice.yaml at it. Stops on SIGINT or SIGTERM.

            A step is a map: an entry of --script (YAML, or a JSON line), or the body of a POST to /emulator/step:

            \(ScriptStep.examples.joined(separator: "\n"))
            """)

    @Option(
        name: .customLong("only"), parsing: .upToNextOption,
        help: "Emulate only these: salesforce, flowmate, integrator, webhooks.")
    var only: [EmulatedService] = []
    @Option(
        parsing: .unconditional, help: "Port of sign-in, FlowMate, integrator.io and webhooks; 0 takes a free one.",
        transform: WholeNumber(range: 0...65535).parse)
    var httpPort = 0
    @Option(
        parsing: .unconditional, help: "Port of the Pub/Sub API; 0 takes a free one.",
        transform: WholeNumber(range: 0...65535).parse)
    var grpcPort = 0
    @Option(help: "Transactions per second of the built-in feed; 0 for none.") var rate = 1.0
    @Option(help: "The same seed gives the same feed.") var seed: UInt64 = 1
    @Option(help: "A script of steps: events, faults, limits, answers of targets, edits of the org and of flows.") var script: String?
    @Option(
        parsing: .unconditional, help: "Seconds between keepalives.", transform: WholeNumber(range: 1...3600).parse)
    var keepalive = 60

    func validate() throws {
        guard rate >= 0, rate <= 10_000 else { throw ValidationError("--rate is from 0 to 10000.") }
    }

    func run() async throws {
        let signals = StopSignals()
        var options = EmulatorOptions()
        if !only.isEmpty { options.only = Set(only) }
        options.httpPort = httpPort
        options.grpcPort = grpcPort
        options.rate = rate
        options.seed = seed
        options.script = script
        options.keepalive = .seconds(keepalive)
        let log = Logger(label: "emulator") { LineLogHandler(label: $0, format: .text, logLevel: .info) }
        let emulator: EmulatorHandle
        do {
            emulator = try await EmulatorServer.start(options, logger: log)
        } catch {
            throw CommandFailure(error)
        }
        Terminal.output.write(EmulatedSetup(emulator, only: options.only).hints)
        let script = Task { try await emulator.scriptEnd() }
        let watcher = Task {
            do { try await script.value } catch is CancellationError {} catch { log.error("\(error)") }
        }
        _ = await signals.first()
        watcher.cancel()
        await emulator.stop()
    }
}

extension CommandFailure {
    /// A port that is taken is the machine's; a script that cannot be read, what was given.
    init(_ error: EmulatorError) {
        if case .cannotListen = error {
            self.init(.environment, "cannot start the emulator: \(error)")
        } else {
            self.init(.badInput, "cannot start the emulator: \(error)")
        }
    }
}

extension EmulatedService: ExpressibleByArgument {}
