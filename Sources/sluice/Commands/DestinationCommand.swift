import ArgumentParser
import Relay

struct DestinationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "destination", abstract: "What an operator can do about a destination.", subcommands: [Try.self])

    struct Try: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "try", abstract: "Tries a destination now, instead of at its next try.",
            discussion: """
                For a receiver that was mended while it is held (`sluice status` shows until when, and why): one delivery \
                goes first, and if it is accepted, the others follow. Lanes that wait for their own next try, or that stand \
                until something is mended, go on as well. Nothing is skipped, and their order stays.
                """)

        @Argument(help: "The destination, as rule files name it.") var name: String
        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let caller = try ControlCaller(options) { _ in [] }
            guard caller.client.isListening else {
                throw CommandFailure(
                    .environment,
                    "no relay is running at the store \(caller.configuration.storePath): the next `sluice run` tries every "
                        + "destination at once.")
            }
            let tried: TriedDestination = try await caller.answer(
                route: "destination.try", request: NamedDestination(name: name))
            Terminal.output.write(json ? try ReplayOutput.json(tried) : Self.text(tried))
        }

        static func text(_ tried: TriedDestination) -> String {
            let waiting = tried.pending == 1 ? "1 delivery" : "\(tried.pending) deliveries"
            if tried.isMissing { return "No rule file names \(tried.name) any more; \(waiting) kept for it.\n" }
            if let reason = tried.heldFor {
                return "\(tried.name) was held: \(reason). One of \(waiting) goes first now; `sluice status` shows what comes of it.\n"
            }
            guard tried.waitingLanes > 0 else {
                return "\(tried.name) was not held, and nothing waited for a next try.\n"
            }
            return "\(tried.name) was not held; \(counted(tried.waitingLanes, "lane")) that waited go on now.\n"
        }
    }
}
