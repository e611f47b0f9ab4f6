import ArgumentParser
import Events
import Glibc
import Relay
import Store

struct BackfillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backfill", abstract: "Reads the records that are there already, and relays them.",
        discussion: """
            Every record takes its way through the rules as a change of its own: rules see event.change 'create', \
            header.changeType 'SNAPSHOT' and event.fetched. Meanwhile the object's events go on: those that are older than \
            what was read of their record are dropped, so that nothing is missed and nothing old comes after something new.

            A backfill survives the end of the relay and goes on by itself. Without a running relay it starts with the next \
            one. Each page of up to 1000 records is one call of the REST API; rest.dailyShare is kept. \
            From rest.bulkFrom records on (100000), Bulk API 2.0 reads them.
            """,
        subcommands: [Start.self, List.self, Show.self, Pause.self, Resume.self, Cancel.self],
        defaultSubcommand: Start.self)

    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "start", abstract: "Asks for a backfill (also without the word start).")

        @Option(help: "API name of the object: Account, Site__c.") var entity: String
        @Option(name: .customLong("where"), help: "Only these records: SOQL without the word WHERE.") var filter: String?
        @Option(help: "At most this fast: 50/s, 600/min.") var rate: String?
        @Option(help: "The topic that rules see; by default the object's own.") var topic: String?
        @Option(help: "The org, where sluice.yaml has several.") var org: String?
        @Option(parsing: .upToNextOption, help: "Only deliveries of these rules.") var rules: [String] = []
        @Option(parsing: .upToNextOption, help: "Only deliveries to these destinations.") var destinations: [String] = []
        @Flag(help: "Do not wait for its end.") var detach = false
        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let caller = try BackfillCommand.caller(options, writes: true)
            let view: BackfillView = try await caller.answer(route: "backfill.start", request: try request())
            guard view.isRunning, !detach else {
                return Terminal.output.write(json ? try ReplayOutput.json(view) : BackfillText.started(view))
            }
            try await follow(view.id, caller)
        }

        private func request() throws -> BackfillRequest {
            var request = BackfillRequest(entity: entity)
            request.org = org
            request.topic = topic
            request.filter = filter
            request.rate = try rate.map(ReplayInput.rate)
            request.rules = rules
            request.destinations = destinations
            return request
        }

        /// Ctrl-C ends the watching, not the backfill.
        private func follow(_ id: String, _ caller: ControlCaller) async throws {
            let showsProgress = Terminal.error.isInteractive
            Terminal.error.write("Backfill \(id) runs; Ctrl-C stops watching it, not the backfill.\n")
            while true {
                let view: BackfillView = try await caller.answer(route: "backfill.show", request: NamedBackfill(id: id))
                guard view.state == .running else {
                    if showsProgress { Terminal.error.write("\r\u{1B}[K") }
                    Terminal.output.write(json ? try ReplayOutput.json(view) : BackfillText.one(view))
                    if view.state == .failed { throw CommandFailure(.failed) }
                    return
                }
                if showsProgress { Terminal.error.write("\r\u{1B}[K" + BackfillText.progress(view)) }
                try await Task.sleep(for: .milliseconds(500))
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists backfills, newest first, and the re-reads that gaps made necessary.")

        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let views: [BackfillView] = try await BackfillCommand.caller(options).answer(
                route: "backfill.list", request: BackfillListRequest())
            Terminal.output.write(json ? try ReplayOutput.json(views) : BackfillText.list(views))
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows one backfill.")

        @OptionGroup var one: NamedBackfillOptions

        func run() async throws { try await one.run("backfill.show", writes: false) }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Stops a backfill until it is resumed.")

        @OptionGroup var one: NamedBackfillOptions

        func run() async throws { try await one.run("backfill.pause", writes: true) }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lets a paused, or failed, backfill go on where it was.")

        @OptionGroup var one: NamedBackfillOptions

        func run() async throws { try await one.run("backfill.resume", writes: true) }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends a backfill for good. What it has handed to the outbox is still delivered.")

        @OptionGroup var one: NamedBackfillOptions

        func run() async throws { try await one.run("backfill.cancel", writes: true) }
    }

    static func caller(_ options: ConfigurationOption, writes: Bool = false) throws -> ControlCaller {
        let configuration = try options.configuration()
        let topics = configuration.orgs.flatMap { org in org.topics.map { Cursor.Key(org: org.alias, topic: $0.name) } }
        return try ControlCaller(options, writes: writes) { store in
            BackfillRoutes.make(
                store: store, topics: topics, rules: CurrentRules(ReplayInput.rules(configuration)), service: nil)
        }
    }
}

/// The verbs that name one backfill.
struct NamedBackfillOptions: ParsableArguments {
    @Argument(help: "The backfill, or the beginning of its name.") var id: String
    @OptionGroup var options: ConfigurationOption
    @Flag(help: "Print JSON.") var json = false

    func run(_ route: String, writes: Bool) async throws {
        let view: BackfillView = try await BackfillCommand.caller(options, writes: writes).answer(
            route: route, request: NamedBackfill(id: id))
        Terminal.output.write(json ? try ReplayOutput.json(view) : BackfillText.one(view))
    }
}
