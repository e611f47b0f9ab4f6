import ArgumentParser
import Events
import Glibc
import Relay
import Store

struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Delivers events again: from an event, a saved cursor, or a time on.",
        discussion: """
            Events come from the journal, or, where that does not reach back far enough, from Salesforce (72 hours; \
            every \
            event counts against the org's delivery allocation). They take their way through today's rules. The \
            topics' own \
            cursors are not moved, and live deliveries go first.

            A replayed delivery has an ID of its own and says which replay it belongs to: header sluice-replay, \
            CloudEvents \
            extension sluicereplay, event.replayed in rules. So receivers do not take it for a duplicate, and can tell.

            A replay survives the end of the relay and goes on by itself. Without a running relay it starts with the next one.
            """,
        subcommands: [Start.self, List.self, Show.self, Pause.self, Resume.self, Cancel.self],
        defaultSubcommand: Start.self)

    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "start", abstract: "Asks for a replay (also without the word start).")

        @Option(name: .customLong("replay-id"), help: "After this event: its replay ID, base64 or hexadecimal.")
        var replayID: String?
        @Option(help: "After the cursor that was saved under this name (`sluice cursor save`).") var cursor: String?
        @Option(help: "What was committed since then: 2h, 30m, 3d.") var since: String?
        @Option(help: "What was committed from then on: 2026-11-22T03:00Z.") var from: String?
        @Flag(help: "From the earliest event there is.") var earliest = false
        @Option(help: "What was committed before then; by default up to now.") var until: String?
        @Option(parsing: .upToNextOption, help: "Only these topics; their last part is enough.") var topic: [String] = []
        @Option(help: "Only this org.") var org: String?
        @Option(
            name: [.customLong("rule"), .customLong("rules")], parsing: .upToNextOption, help: "Only deliveries of these rules.")
        var rules: [String] = []
        @Option(
            name: [.customLong("destination"), .customLong("destinations")], parsing: .upToNextOption,
            help: "Only deliveries to these destinations.")
        var destinations: [String] = []
        @Option(help: "journal or salesforce; by default the journal where it covers the span.") var source: String?
        @Flag(
            name: [.customLong("resend"), .customLong("as-rendered")],
            help: "Send again what was sent, instead of asking today's rules; needs store.sent.")
        var asRendered = false
        @Flag(help: "Only count what would be delivered.") var dryRun = false
        @Option(parsing: .unconditional, help: "At most this many events.", transform: WholeNumber.atLeastOne.parse)
        var limit: Int?
        @Option(help: "At most this fast: 50/s, 600/min.") var rate: String?
        @Flag(help: "Do not wait for its end.") var detach = false
        @Flag(name: .shortAndLong, help: "Do not ask.") var yes = false
        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let request = try request()
            let asking = try ReplayCommand.caller(options)
            if dryRun {
                let result: ReplayDryRun = try await asking.answer(route: "replay.dryRun", request: request)
                return Terminal.output.write(json ? try ReplayOutput.json(result) : ReplayText.dryRun(result))
            }
            let preview: ReplayPreview = try await asking.answer(route: "replay.plan", request: request)
            Terminal.error.write(ReplayText.preview(preview))
            // What comes from the journal and goes to a receiver again is what was asked for; what it costs is not.
            if preview.plan.topics.contains(where: { $0.source == .salesforce }), !yes {
                try ReplayInput.confirm("This fetches events from Salesforce once more.", yes: false)
            }
            let view: ReplayView = try await ReplayCommand.caller(options, writes: true).answer(
                route: "replay.start", request: request)
            guard preview.startsNow, !detach else {
                return Terminal.output.write(json ? try ReplayOutput.json(view) : ReplayText.started(view, preview))
            }
            try await ReplayProgressLine(view).follow(asking, json: json)
        }

        private func request() throws -> ReplayRequest {
            let now = TimeSource.system.wall()
            var starts: [ReplayRequest.Start] = []
            if let replayID { starts.append(.replayID(try ReplayInput.replayID(replayID))) }
            if let cursor { starts.append(.cursor(cursor)) }
            if let since { starts.append(.time(try ReplayInput.moment(since, "--since", now: now))) }
            if let from { starts.append(.time(try ReplayInput.moment(from, "--from", now: now))) }
            if earliest { starts.append(.earliest) }
            guard starts.count == 1 else {
                throw CommandFailure(
                    .badInput, "say where the replay starts, once: --replay-id, --cursor, --since, --from or --earliest.")
            }
            var request = ReplayRequest(starts[0])
            request.until = try until.map { try ReplayInput.moment($0, "--until", now: now) }
            request.topics = topic
            request.org = org
            request.rules = rules
            request.destinations = destinations
            request.isAsRendered = asRendered
            request.limit = limit
            request.rate = try rate.map(ReplayInput.rate)
            if let source {
                guard let source = ReplayRequest.Source(rawValue: source) else {
                    throw CommandFailure(.badInput, "--source is journal or salesforce.")
                }
                request.source = source
            }
            return request
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists replays, newest first.")

        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let views: [ReplayView] = try await ReplayCommand.caller(options).answer(
                route: "replay.list", request: ReplayListRequest())
            Terminal.output.write(json ? try ReplayOutput.json(views) : ReplayText.list(views))
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows one replay, topic by topic.")

        @OptionGroup var one: NamedReplayOptions

        func run() async throws { try await one.run("replay.show", writes: false) }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Stops a replay until it is resumed.")

        @OptionGroup var one: NamedReplayOptions

        func run() async throws { try await one.run("replay.pause", writes: true) }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lets a paused, or failed, replay go on where it was.")

        @OptionGroup var one: NamedReplayOptions

        func run() async throws { try await one.run("replay.resume", writes: true) }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends a replay for good. What it has handed to the outbox is still delivered.")

        @OptionGroup var one: NamedReplayOptions

        func run() async throws { try await one.run("replay.cancel", writes: true) }
    }

    static func caller(_ options: ConfigurationOption, writes: Bool = false) throws -> ControlCaller {
        try ControlCaller(options, writes: writes) { store in
            let rules = ReplayInput.rules(try options.configuration())
            return ReplayRoutes.make(
                store: store, orgs: ReplayOrgs(store: store), rules: CurrentRules(rules), service: nil)
        }
    }
}

/// The verbs that name one replay.
struct NamedReplayOptions: ParsableArguments {
    @Argument(help: "The replay, or the beginning of its name.") var id: String
    @OptionGroup var options: ConfigurationOption
    @Flag(help: "Print JSON.") var json = false

    func run(_ route: String, writes: Bool) async throws {
        let view: ReplayView = try await ReplayCommand.caller(options, writes: writes).answer(
            route: route, request: NamedReplay(id: id))
        Terminal.output.write(json ? try ReplayOutput.json(view) : ReplayText.one(view))
    }
}
