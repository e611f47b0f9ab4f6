import ArgumentParser
import Events
import SalesforceREST

struct SalesforceChangedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "changed", abstract: "Lists the IDs of records that were changed, or deleted, in a time.",
        discussion: """
            sluice salesforce changed Account --since 2h
            sluice salesforce changed Account --since 2026-11-20 --until 2026-11-21 --deleted

            Changed is created as well. Salesforce counts in whole minutes, and looks back 30 days at most. To go on \
            later, ask from the time that is named as covered: changes of a transaction that still runs are not in it.
            """)

    private static let minute: Int64 = 60_000
    private static let longest: Int64 = 30 * 86_400_000

    @OptionGroup var org: SalesforceOrgOption
    @Argument(help: "API name of the object.") var object: String
    @Option(help: "From then on: 2h, 3d, or 2026-11-22T03:00Z.") var since: String
    @Option(help: "Before then; by default up to now.") var until: String?
    @Flag(help: "Those that were deleted, with the time.") var deleted = false
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        let (start, end) = try span(now: TimeSource.system.wall())
        let rest = try org.load().rest
        if deleted { return try await showDeleted(rest, start, end) }
        let updated = try await salesforceAnswer { () async throws(RESTError) in
            try await rest.updated(object, from: start, to: end)
        }
        let covered = Timestamp.rfc3339(updated.latestCovered)
        if json {
            return printJSON(
                .record(["ids": .list(updated.ids.map(Value.string)), "latestDateCovered": .string(covered)]))
        }
        for id in updated.ids { Terminal.output.write(id + "\n") }
        note(updated.ids.count, "changed", covered)
    }

    private func showDeleted(_ rest: RESTClient, _ start: Int64, _ end: Int64) async throws {
        let found = try await salesforceAnswer { () async throws(RESTError) in
            try await rest.deleted(object, from: start, to: end)
        }
        let covered = Timestamp.rfc3339(found.latestCovered)
        let earliest = Timestamp.rfc3339(found.earliestAvailable)
        if found.earliestAvailable > start {
            Terminal.error.write("Salesforce knows no deletions before \(earliest) any more.\n")
        }
        if json {
            let records = found.records.map { record in
                Value.record([
                    "id": .string(record.id), "deletedDate": .string(Timestamp.rfc3339(record.deletedAt)),
                ])
            }
            return printJSON(
                .record([
                    "deletedRecords": .list(records), "earliestDateAvailable": .string(earliest),
                    "latestDateCovered": .string(covered),
                ]))
        }
        if !found.records.isEmpty {
            var table = Table(["ID", "DELETED"])
            for record in found.records { table.add([record.id, Timestamp.rfc3339(record.deletedAt)]) }
            Terminal.output.write(table.text)
        }
        note(found.records.count, "deleted", covered)
    }

    /// Beside the IDs, which scripts read.
    private func note(_ count: Int, _ word: String, _ covered: String) {
        Terminal.error.write("\(counted(count, "record")) of \(object) \(word); covered up to \(covered).\n")
    }

    /// Whole minutes: the last one is counted in, since Salesforce would cut it off.
    private func span(now: Int64) throws -> (Int64, Int64) {
        let start = try ReplayInput.moment(since, "--since", now: now)
        let end = try until.map { try ReplayInput.moment($0, "--until", now: now) } ?? now
        guard start < end else {
            let limit = until.map { "--until (\($0))" } ?? "now"
            throw CommandFailure(.badInput, "--since (\(since)) must be before \(limit).")
        }
        let first = start / Self.minute * Self.minute
        let last = (end + Self.minute - 1) / Self.minute * Self.minute
        // 30d is what Salesforce allows, and stays so when minutes are made whole.
        return (end - start <= Self.longest ? max(first, last - Self.longest) : first, last)
    }
}
