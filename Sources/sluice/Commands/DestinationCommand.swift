import ArgumentParser
import Events
import Relay
import Store

struct DestinationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "destination", abstract: "What an operator can do about a destination.", subcommands: [Try.self, Drop.self])

    struct Try: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "try", abstract: "Tries a destination now, instead of at its next try.",
            discussion: """
                For a receiver that was mended while it is held (`sluice status` shows until when, and why): one delivery \
                goes first, and if it is accepted, the others follow. Lanes that wait for their own next try, or that stand \
                until something is mended, go on as well, and so do flow runs that are paused. Nothing is skipped, and \
                their order stays.
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
            let runs = tried.pausedRuns.map { "A flow run was paused, and is tried now: \($0).\n" }.joined()
            if let reason = tried.heldFor {
                return runs + "\(tried.name) was held: \(reason). One of \(waiting) goes first now; `sluice status` shows what comes of it.\n"
            }
            guard tried.waitingLanes > 0 || runs.isEmpty else { return runs }
            guard tried.waitingLanes > 0 else {
                return "\(tried.name) was not held, and nothing waited for a next try.\n"
            }
            return runs + "\(tried.name) was not held; \(counted(tried.waitingLanes, "lane")) that waited go on now.\n"
        }
    }

    struct Drop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "drop", abstract: "Puts what waits for a destination to the dead letters.",
            discussion: """
                For a destination that is gone for good: its deliveries wait for ever otherwise. Nothing is lost by it: \
                `sluice dlq` shows, edits, sends again and forgets them. Only while no relay runs on the store, since that \
                may be sending them.
                """)

        @Argument(help: "The destination, as rule files name it or did.") var name: String
        @Flag(name: .shortAndLong, help: "Do not ask.") var yes = false
        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let caller = try ControlCaller(options, writes: true) { _ in [] }
            guard !caller.client.isListening else {
                throw CommandFailure(
                    .failed, "a relay runs at the store \(caller.configuration.storePath): stop it first, and start it again after.")
            }
            let time = TimeSource.system
            let (path, name) = (caller.configuration.storePath, name)
            // Without a relay, nobody else makes it.
            _ = try await storeAnswer { () throws(StoreError) in try Store(readingPath: path).close() }
            let store = try await storeAnswer { () throws(StoreError) in
                try Store(path: path, command: "sluice destination drop", wall: time.wall())
            }
            let counts = try await storeAnswer { () async throws(StoreError) in try await store.pendingCounts() }
            let waiting = counts.filter { $0.destination == name }.reduce(0) { $0 + $1.count }
            guard waiting > 0 else {
                try? store.close()
                let names = Set(counts.map(\.destination)).sorted().joined(separator: ", ")
                throw CommandFailure(
                    .badInput, "nothing waits for '\(name)'\(names.isEmpty ? "" : "; something does for \(names)").")
            }
            try ReplayInput.confirm("This gives up \(counted(waiting, "delivery", "deliveries")) for \(name).", yes: yes)
            let given = try await storeAnswer { () async throws(StoreError) in
                let given = try await DestinationLeftovers.giveUp(name, in: store, time: time)
                try store.close()
                return given
            }
            if json { return Terminal.output.write("{\"count\":\(given)}\n") }
            Terminal.output.write(
                "\(counted(given, "delivery", "deliveries")) put to the dead letters: `sluice dlq list --destination \(name)`.\n")
        }
    }
}
