import ArgumentParser
import Control
import Relay

/// `rules reload`
struct RulesReloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload", abstract: "Has the running relay read its rule files again.",
        discussion: """
            Edited files are read by themselves; this says what came of it. Exits with 2 if the files have an error: the \
            rules before them stay in force. A sign-in to Salesforce that was refused is tried again as well, within a \
            minute.
            """)

    @OptionGroup var options: ConfigurationOption
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        let caller = try ControlCaller(options) { _ in [] }
        guard caller.client.isListening else {
            throw CommandFailure(
                .environment,
                "no relay is running at the store \(caller.configuration.storePath): the next `sluice run` reads the "
                    + "rules anyway. `sluice rules lint` checks them now.")
        }
        let answer: ReloadAnswer = try await caller.answer(route: "rules.reload", request: EmptyRequest())
        if json {
            Terminal.output.write(answer.json)
        } else {
            if !answer.text.isEmpty { Terminal.error.write(answer.text) }
            Terminal.output.write(Self.text(answer))
        }
        if answer.outcome == .refused { throw CommandFailure(.badInput) }
    }

    static func text(_ answer: ReloadAnswer) -> String {
        let status = answer.status
        let inForce =
            "generation \(status.generation), \(counted(status.rules, "rule")), "
            + "\(counted(status.destinations, "destination")), hash \(status.hash.prefix(12))"
        switch answer.outcome {
        case .refused:
            return "Not loaded: \(counted(status.broken?.errors ?? 0, "error")). In force stays \(inForce).\n"
        case .unchanged: return "Nothing has changed. In force is \(inForce).\n"
        case .loaded:
            var changes = ["\(counted(answer.rulesAdded, "rule")) new, \(answer.rulesRemoved) gone"]
            for (names, word) in [
                (answer.destinationsAdded, "new"), (answer.destinationsChanged, "changed"),
                (answer.destinationsRemoved, "gone (what waits for them is kept)"),
            ] where !names.isEmpty {
                changes.append("destinations \(word): \(names.joined(separator: ", "))")
            }
            return "Loaded in \(answer.milliseconds) ms: \(inForce); \(changes.joined(separator: "; ")).\n"
        }
    }
}
