import ArgumentParser
import Events
import FoundationEssentials
import Relay
import Store

struct CursorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cursor", abstract: "How far each topic is relayed: look, save, move.",
        discussion: """
            A cursor is a replay ID that Salesforce gave; it means something in its own org and topic only. Moving \
            one back \
            relays events again under the delivery IDs that they had, which receivers may ignore as duplicates: to \
            deliver \
            again on purpose, use `sluice replay`. Moving one forward skips events for good.
            """,
        subcommands: [List.self, Show.self, Save.self, Forget.self, Set.self, Export.self, Import.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the cursor of every topic, and saved ones.")

        @Flag(help: "With --json: those that were saved under a name.") var saved = false
        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let list = try await CursorCommand.list(options)
            guard json else { return Terminal.output.write(CursorText.list(list)) }
            Terminal.output.write(saved ? try ReplayOutput.json(list.saved) : try ReplayOutput.json(list.cursors))
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows the cursor of one topic.")

        @Argument(help: "The topic, or its last part.") var topic: String
        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let all = try await CursorCommand.list(options)
            let cursors = all.cursors.filter { TopicName.means(topic, $0.topic) }
            guard !cursors.isEmpty else {
                throw CommandFailure(.badInput, "no topic '\(topic)' has a cursor. `sluice cursor list` shows them.")
            }
            Terminal.output.write(json ? try ReplayOutput.json(cursors) : cursors.map(CursorText.one).joined())
        }
    }

    struct Save: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keeps the present cursors under a name, for `replay --cursor` and `cursor set --cursor`.")

        @Argument(help: "The name; an earlier one of that name is replaced.") var name: String
        @Option(parsing: .upToNextOption, help: "Only these topics.") var topic: [String] = []
        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let saved: CursorSaved = try await CursorCommand.caller(options, writes: true).answer(
                route: "cursor.save", request: CursorSaveRequest(name: name, topics: topic))
            Terminal.output.write(
                json ? try ReplayOutput.json(saved) : "Saved \(counted(saved.count, "cursor")) as \(saved.name).\n")
        }
    }

    struct Forget: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Forgets a saved cursor.")

        @Argument var name: String
        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let saved: CursorSaved = try await CursorCommand.caller(options, writes: true).answer(
                route: "cursor.forget", request: CursorSaveRequest(name: name))
            Terminal.output.write(json ? try ReplayOutput.json(saved) : "Forgot \(saved.name).\n")
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Moves the cursor of a topic, once it has said what that skips or repeats.")

        @Argument(help: "The topic, or its last part.") var topic: String
        @Option(help: "The org, where several have the topic.") var org: String?
        @Option(name: .customLong("replay-id"), help: "After this event: its replay ID, base64 or hexadecimal.")
        var replayID: String?
        @Option(help: "Where the cursor saved under this name is.") var cursor: String?
        @Option(help: "Before what was committed then or later: 2026-11-22T03:00Z, or 2h ago.") var time: String?
        @Flag(help: "Nowhere: the topic starts as sluice.yaml says (start).") var unset = false
        @Flag(name: .shortAndLong, help: "Do not ask.") var yes = false
        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let request = CursorMoveRequest(org: org, topic: topic, target: try target())
            let move: CursorMove = try await CursorCommand.caller(options).answer(
                route: "cursor.preview", request: request)
            try ReplayInput.confirm(CursorText.move(move), yes: yes)
            let moved: CursorMoved = try await CursorCommand.caller(options, writes: true).answer(
                route: "cursor.set", request: request)
            Terminal.output.write(json ? try ReplayOutput.json(moved) : CursorText.moved(moved))
        }

        private func target() throws -> CursorTarget {
            var targets: [CursorTarget] = []
            if let replayID { targets.append(.replayID(try ReplayInput.replayID(replayID))) }
            if let cursor { targets.append(.cursor(cursor)) }
            if let time {
                targets.append(.time(try ReplayInput.moment(time, "--time", now: TimeSource.system.wall())))
            }
            if unset { targets.append(.unset) }
            guard targets.count == 1 else {
                throw CommandFailure(.badInput, "say where to, once: --replay-id, --cursor, --time or --unset.")
            }
            return targets[0]
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints all cursors as JSON, for `cursor import` on another machine.")

        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print JSON (it always does).") var json = false

        func run() async throws {
            let document: CursorDocument = try await CursorCommand.caller(options).answer(
                route: "cursor.export", request: CursorListRequest())
            Terminal.output.write(try ReplayOutput.json(document))
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes over cursors that `cursor export` printed, once it has said what that skips or repeats.")

        @Argument(help: "The file; without it, or with '-', standard input.") var file: String?
        @Flag(name: .shortAndLong, help: "Do not ask.") var yes = false
        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let bytes = try ReplayInput.read(file)
            guard let document = try? JSONDecoder().decode(CursorDocument.self, from: Data(bytes)) else {
                throw CommandFailure(.badInput, "this is not what `sluice cursor export` prints.")
            }
            let moves: [CursorMove] = try await CursorCommand.caller(options, writes: true).answer(
                route: "cursor.importPreview", request: document)
            try ReplayInput.confirm(moves.map(CursorText.move).joined(separator: "\n"), yes: yes)
            let moved: [CursorMoved] = try await CursorCommand.caller(options, writes: true).answer(
                route: "cursor.import", request: document)
            Terminal.output.write(json ? try ReplayOutput.json(moved) : moved.map(CursorText.moved).joined())
        }
    }

    static func list(_ options: ConfigurationOption) async throws -> CursorList {
        try await caller(options).answer(route: "cursor.list", request: CursorListRequest())
    }

    static func caller(_ options: ConfigurationOption, writes: Bool = false) throws -> ControlCaller {
        try ControlCaller(options, writes: writes) { store in
            let configuration = try options.configuration()
            return CursorRoutes.make(
                store: store, orgs: ReplayOrgs(store: store), outbox: nil, topics: nil,
                start: { key in
                    configuration.orgs.first { $0.alias == key.org }?.topics.first { $0.name == key.topic }?.start.rawValue
                })
        }
    }
}
