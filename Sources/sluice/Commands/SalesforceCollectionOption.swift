import ArgumentParser
import Events
import SalesforceREST

/// How several records are written: by collections, with a result for each.
struct SalesforceCollectionOption: ParsableArguments {
    @Flag(help: "One failure takes everything back; for up to 200 records.") var allOrNone = false

    func write(
        _ records: [Fields], _ write: CollectionWriter.Write, _ rest: RESTClient, _ report: SalesforceWriteReport
    ) async throws {
        guard !allOrNone || records.count <= RESTClient.maximumCollection else {
            throw CommandFailure(
                .badInput,
                "--all-or-none is kept for what goes into one call: \(RESTClient.maximumCollection) records, and here are "
                    + "\(records.count). Nothing was sent.")
        }
        var report = report
        // The call under way ends: of its records one should know what became of them.
        let stop = StopFlag {
            Terminal.error.write("Stopping after the call under way; a second signal ends at once, and nobody knows what it did.\n")
        }
        let ended = await CollectionWriter(rest, write, allOrNone: allOrNone).write(
            records, isStopped: { stop.signal != nil }, told: { report.add($0) })
        try report.finish(ended)
    }
}
