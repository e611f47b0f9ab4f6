import ArgumentParser
import Events
import Salesforce
import SalesforceREST

struct SalesforceQueryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Runs a SOQL query; results of any size, page after page.",
        discussion: "A page of up to 2,000 records is in memory at a time. --bulk suits more than 100,000 records.")

    /// Rows of a bulk query that are printed at once.
    private static let chunk = 500

    @OptionGroup var org: SalesforceOrgOption
    @Argument(help: "SOQL, in quotes.") var soql: String
    @Flag(help: "Deleted and archived records as well.") var all = false
    @Flag(help: "Ask the Tooling API (metadata).") var tooling = false
    @Flag(help: "As a job of Bulk API 2.0; values come as text.") var bulk = false
    @Flag(help: "Print a JSON array.") var json = false

    func validate() throws {
        guard !(tooling && (all || bulk)) else {
            throw ValidationError("--tooling goes with neither --all nor --bulk.")
        }
    }

    func run() async throws {
        let rest = try org.load().rest
        if bulk { return try await runBulk(rest) }
        var printer = SalesforceRecordPrinter(json: json)
        try await salesforceAnswer { () async throws(RESTError) in
            var pages = try rest.query(soql, kind: tooling ? .tooling : all ? .queryAll : .query).makeAsyncIterator()
            while let page = try await pages.next(isolation: nil) {
                // COUNT() has a number and no records.
                let isCount = page.records.isEmpty && page.totalSize > 0
                printer.show(
                    isCount ? [Fields([.init(name: "count", value: .int(Int64(page.totalSize)))])] : page.records,
                    total: isCount ? 1 : page.totalSize)
            }
        }
        printer.end()
    }

    private func runBulk(_ rest: RESTClient) async throws {
        let bulk = BulkQuery(rest)
        let started = try await salesforceAnswer { () async throws(RESTError) in
            try await bulk.start(soql, includesDeleted: all).id
        }
        let reading = Task { try await read(started, of: bulk) }
        let stop = StopFlag { reading.cancel() }
        do {
            try await reading.value
        } catch {
            guard let signal = stop.signal else { throw error }
            // It would go on in Salesforce, and count against its limits.
            try? await bulk.abort(started)
            try? await bulk.delete(started)
            throw CommandFailure(.failed, "stopped by \(signal); the job \(started) was ended.")
        }
    }

    private func read(_ id: String, of bulk: BulkQuery) async throws {
        var printer = SalesforceRecordPrinter(json: json)
        try await salesforceAnswer { () async throws(RESTError) in
            let job = try await bulk.finished(id)
            var locator: String?
            repeat {
                let page = try await bulk.page(job.id, locator: locator)
                show(page, of: job.recordsProcessed, on: &printer)
                locator = page.nextLocator
            } while locator != nil
            try await bulk.delete(job.id)
        }
        printer.end()
    }

    private func show(_ page: BulkQuery.Page, of total: Int, on printer: inout SalesforceRecordPrinter) {
        var records: [Fields] = []
        for row in page.rows {
            records.append(
                Fields(zip(page.columns, row).map { .init(name: $0, value: $1.isEmpty ? .null : .string($1)) }))
            guard records.count == Self.chunk else { continue }
            printer.show(records, total: total)
            records.removeAll(keepingCapacity: true)
        }
        printer.show(records, total: total)
    }
}
