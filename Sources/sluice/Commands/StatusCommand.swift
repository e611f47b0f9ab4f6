import ArgumentParser
import Events
import Relay
import Store

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Shows streams, lag, what waits for each destination, and dead letters.",
        discussion: """
            Asks the running relay, or reads the store while none runs. `sluice top` shows the same, live.
            """)

    @OptionGroup var options: ConfigurationOption
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        let report = try await ControlCaller.status(options).report()
        if json { return Terminal.output.write(report.json) }
        Terminal.output.write(StatusText(report, columns: Terminal.output.size?.columns).text)
    }
}

extension ControlCaller {
    static func status(_ options: ConfigurationOption) throws -> ControlCaller {
        try ControlCaller(options) { store in
            let rules = ReplayInput.rules(try options.configuration())
            return StatusRoutes.make(StatusSource(store: store, files: rules.destinations.isEmpty ? nil : rules))
        }
    }

    func report() async throws -> StatusReport { try await answer(route: "status", request: EmptyRequest()) }
}
