import ArgumentParser
import Events
import Salesforce
import SalesforceREST

struct SalesforceLimitsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limits", abstract: "Shows what is left of the org's limits.",
        discussion: """
            Those that a relay uses come first: DailyDeliveredPlatformEvents counts every event that any subscriber \
            got, DailyApiRequests every call of the REST API. --all shows the rest.
            """)

    @OptionGroup var org: SalesforceOrgOption
    @Flag(help: "All limits.") var all = false
    @Flag(help: "Print JSON; all limits.") var json = false

    private static let relevant = [
        "DailyDeliveredPlatformEvents", "MonthlyPlatformEventsUsageEntitlement", "HourlyPublishedPlatformEvents",
        "HourlyPublishedStandardVolumePlatformEvents", "DailyApiRequests", "DailyBulkV2QueryJobs",
    ]

    func run() async throws {
        let rest = try org.load().rest
        let limits = try await salesforceAnswer { () async throws(RESTError) in try await rest.limits() }
        if json {
            let entries = limits.map { limit in
                Fields.Field(
                    name: limit.name,
                    value: .record(["max": .int(Int64(limit.maximum)), "remaining": .int(Int64(limit.remaining))]))
            }
            return printJSON(.record(Fields(entries)))
        }
        let first = Self.relevant.compactMap { name in limits.first { $0.name == name } }
        let others = all ? limits.filter { !Self.relevant.contains($0.name) } : []
        var table = Table(["LIMIT", "MAX", "REMAINING", "USED"])
        for limit in first + others {
            let share = limit.maximum > 0 ? "\(limit.used * 100 / limit.maximum) %" : "-"
            table.add([limit.name, "\(limit.maximum)", "\(limit.remaining)", share])
        }
        Terminal.output.write(table.text)
    }
}
