import ArgumentParser
import Events
import Relay
import Rules
import Settings
import Store

/// `rules dry-run`
struct RulesDryRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dry-run",
        abstract: "Shows what edited rules would do with recent events, before they are in force.",
        discussion: """
            Takes the journal's events through the rules in force and through the edited ones, and prints what \
            differs: deliveries added, removed and changed, counts per rule, and how long the edited rules take. \
            Nothing is sent, and no record is read: what rules with needs: fetch, onGap: fetch or fanOut would do then is left open.

            A folder is a whole set. A file takes the place of the file of the same name in the set that is in \
            force, or is added to it:

              sluice rules dry-run edited/                      the newest 1000 events
              sluice rules dry-run opportunity.yaml --since 1h

            Rules in force are those of the running relay; while none runs, those of the configuration. Exits with \
            0, and with --exit-code with 1 if there is a difference; with 2 if the edited rules have errors.
            """)

    /// Without `--since` and `--limit`.
    static let usualLimit = 1_000
    static let maximumLimit = 1_000_000

    @Argument(help: "A folder with the edited rules, or edited files. By default the folder of the configuration.")
    var paths: [String] = []
    @Option(help: "Only events received since: 30m, 1h, 2d ago, or a time such as 2026-11-22T03:00Z.") var since:
        String?
    @Option(
        parsing: .unconditional, help: "Only the newest so many events of the journal.",
        transform: WholeNumber(range: 1...Self.maximumLimit).parse)
    var limit: Int?
    @Option(help: "Recorded events in a file (`sluice tap --json --events`) instead of those of the journal.")
    var events: String?
    @Option(help: "Compare with the rules in this folder instead of those in force.") var against: String?
    @Flag(help: "Also rules that come to the same.") var all = false
    @Flag(help: "Exit with 1 if there is a difference.") var exitCode = false
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var options: ConfigurationOption

    func validate() throws {
        if events != nil, since != nil || limit != nil {
            throw ValidationError(
                "--events takes all events of a file: --since and --limit are for those of the journal.")
        }
    }

    func run() async throws {
        let configuration = against != nil && events != nil ? nil : try options.configuration(showsWarnings: true)
        let sets = try await RuleSetPair.load(paths, against: against, configuration)
        // Who gave a file of events has what is in it.
        var diff = RuleSetDiff(
            before: sets.before, after: sets.after, limitsBodies: events == nil, monotonic: TimeSource.system.monotonic)
        var undecodable = 0
        if let events {
            for event in try GivenEvents.read(file: events) { diff.add(event) }
        } else {
            undecodable = try await readJournal(into: &diff)
        }
        var report = diff.report
        report.undecodable = undecodable
        show(report, sets)
        if exitCode, report.hasDifference { throw CommandFailure(.failed) }
    }

    private func readJournal(into diff: inout RuleSetDiff) async throws -> Int {
        let moment = try since.map { try ReplayInput.moment($0, "--since", now: TimeSource.system.wall()) }
        let store = try options.readingStore()
        defer { try? store.close() }
        let bound = limit ?? (since == nil ? Self.usualLimit : Self.maximumLimit)
        var line = DryRunProgress()
        do throws(ControlError) {
            var copy = diff
            let progress = try await JournalTail(store: store).read(since: moment, limit: bound) { events, progress in
                for event in events { copy.add(event) }
                line.show(progress)
            }
            line.clear()
            diff = copy
            return progress.undecodable
        } catch {
            line.clear()
            throw CommandFailure(error)
        }
    }

    private func show(_ report: RuleSetDiffReport, _ sets: RuleSetPair) {
        let text = RuleSetDiffText(report)
        guard !json else {
            var line = JSONText()
            line.value(text.value)
            return Terminal.output.write(line.string + "\n")
        }
        let (old, new) = (sets.before.ruleIDs.count, sets.after.ruleIDs.count)
        Terminal.output.write("\(sets.origin): \(counted(old, "rule")); edited: \(counted(new, "rule"))\n")
        if sets.isSame {
            Terminal.output.write(
                "these rules are the same: what is saved in the rules folder is in force at once, so edit a copy and name it\n")
        }
        if report.events == 0 {
            Terminal.output.write(
                "there are no such events in the journal: --since, --limit or --events chooses others\n")
        }
        Terminal.output.write(text.text(showsAll: all))
    }
}

/// How far the reading is, on a terminal.
private struct DryRunProgress {
    /// Events between two lines.
    private static let step = 500
    private var shown = 0

    mutating func show(_ progress: JournalTail.Progress) {
        guard Terminal.error.isInteractive, progress.events >= shown + Self.step else { return }
        shown = progress.events
        Terminal.error.write("\r\u{1B}[K\(progress.events) events")
    }

    func clear() {
        if shown > 0 { Terminal.error.write("\r\u{1B}[K") }
    }
}
