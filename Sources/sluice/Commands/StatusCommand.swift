import ArgumentParser
import Events
import Store

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Shows streams, lag, what waits for each destination, and dead letters.",
        discussion: "Reads the store, beside a running relay or without one.")

    @OptionGroup var options: ConfigurationOption
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        let store = try options.readingStore()
        let report = try await storeAnswer { () async throws(StoreError) in
            try await StatusReport(store, now: TimeSource.system.wall())
        }
        Terminal.output.write(json ? report.json : Array(report.text.utf8))
    }
}
