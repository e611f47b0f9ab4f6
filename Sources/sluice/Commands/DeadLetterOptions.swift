import ArgumentParser
import Events
import Relay
import Store

/// Which dead letters are meant.
struct DeadLetterOptions: ParsableArguments {
    @Argument(help: "Delivery IDs, or their beginnings; with --quarantine, numbers.") var ids: [String] = []
    @Option(help: "Of this rule.") var rule: [String] = []
    @Option(help: "For this destination.") var destination: [String] = []
    @Option(help: "Why: \(DeadLetter.Reason.words).") var reason: [String] = []
    @Option(help: "Of this topic, or its last part.") var topic: [String] = []
    @Option(help: "Of this org: its alias, or its ID.") var org: [String] = []
    @Option(help: "Put aside since then: 2h, or 2026-11-22T03:00Z.") var since: [String] = []
    @Option(help: "Put aside before then.") var before: [String] = []
    @Option(parsing: .unconditional, help: "At most this many: of a list the newest, otherwise the oldest.", transform: WholeNumber.atLeastOne.parse)
    var limit: Int?
    @Flag(help: "Events that could not be decoded.") var quarantine = false

    func filter() throws -> DeadLetterFilter {
        let now = TimeSource.system.wall()
        var filter = DeadLetterFilter(ids: ids)
        filter.rule = try Self.only(rule, "--rule")
        filter.destination = try Self.only(destination, "--destination")
        filter.reason = try Self.only(reason, "--reason")
        filter.topic = try Self.only(topic, "--topic")
        filter.org = try Self.only(org, "--org")
        filter.since = try Self.only(since, "--since").map { try ReplayInput.moment($0, "--since", now: now) }
        filter.before = try Self.only(before, "--before").map { try ReplayInput.moment($0, "--before", now: now) }
        filter.limit = limit
        return filter
    }

    /// The last of several must not silently be the only one.
    private static func only(_ values: [String], _ option: String) throws -> String? {
        guard values.count <= 1 else {
            throw CommandFailure(
                .badInput, "\(option) was given \(values.count) times, and means one: use a command for each.")
        }
        return values.first
    }

    /// For what changes something: nothing said must not mean everything.
    func filter(all: Bool) throws -> DeadLetterFilter {
        let filter = try filter()
        guard filter.isEverything else {
            guard !all else { throw CommandFailure(.badInput, "--all means all of them: leave out the rest, or --all.") }
            return filter
        }
        guard all else { throw CommandFailure(.badInput, "say which ones: IDs, a filter such as --rule, or --all.") }
        return filter
    }

    static func caller(_ options: ConfigurationOption, writes: Bool = false) throws -> ControlCaller {
        try ControlCaller(options, writes: writes, makesStore: false) { store in
            let rules = ReplayInput.rules(try options.configuration())
            return DeadLetterRoutes.make(
                store: store, outbox: nil, orgs: ReplayOrgs(store: store), rules: CurrentRules(rules),
                version: Sluice.version)
        }
    }
}
