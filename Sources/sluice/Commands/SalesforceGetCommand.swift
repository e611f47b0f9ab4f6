import ArgumentParser
import Events
import Salesforce
import SalesforceREST

struct SalesforceGetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Reads a record by its ID or an external ID, or several by their IDs.",
        discussion: "Several are read in one call, of up to 2,000; name their fields.")

    @OptionGroup var org: SalesforceOrgOption
    @Argument(help: "API name of the object.") var object: String
    @Argument(help: "The record's ID, or with --by the external ID's value.") var id: [String]
    @Option(help: "The external ID field.") var by: String?
    @Option(help: "Fields, separated by commas; all by default.") var fields: String?
    @Flag(help: "With the names and types that rules see, as of a change event.") var asEvent = false
    @Option(help: "Only if it changed since: its LastModifiedDate, or how long ago: 30m.")
    var ifModifiedSince: String?
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard !(asEvent && by != nil) else { throw ValidationError("--as-event reads by ID.") }
        guard !(asEvent && ifModifiedSince != nil) else {
            throw ValidationError("--as-event reads without a condition.")
        }
        guard id.count == 1 || (fields != nil && by == nil && !asEvent && ifModifiedSince == nil) else {
            throw ValidationError("Several records are read by their IDs, with --fields.")
        }
    }

    func run() async throws {
        let rest = try org.load().rest
        let names = fields.map { $0.split(separator: ",").map(String.init) }
        guard id.count == 1 else { return try await readAll(rest, names ?? []) }
        guard let record = try await read(rest, id[0], names) else {
            if json { return printJSON(.null) }
            return Terminal.output.write("\(object) \(id[0]) was not changed since.\n")
        }
        if json { return printJSON(.record(record)) }
        var table = Table(["FIELD", "VALUE"])
        for cell in SalesforceRecordPrinter.cells(record) { table.add([cell.name, cell.text]) }
        Terminal.output.write(table.whole)
    }

    private func readAll(_ rest: RESTClient, _ names: [String]) async throws {
        let records = try await salesforceAnswer { () async throws(RESTError) in
            try await rest.retrieve(object, ids: id, fields: names)
        }
        var printer = SalesforceRecordPrinter(json: json)
        printer.show(records.compactMap { $0 }, total: nil)
        printer.end()
        let missing = zip(id, records).filter { $0.1 == nil }.map(\.0)
        guard !missing.isEmpty else { return }
        throw CommandFailure(
            .badInput, "gone, or the user may not see them: \(missing.joined(separator: ", ")) of \(object).")
    }

    /// - Returns: nil if it was not changed since.
    private func read(_ rest: RESTClient, _ id: String, _ names: [String]?) async throws -> Fields? {
        guard asEvent else {
            let since = try ifModifiedSince.map { try SalesforceMoment.header($0, "--if-modified-since") }
            let address: RecordAddress = by.map { .external(object, $0, id) } ?? .id(object, id)
            return try await salesforceAnswer { () async throws(RESTError) in
                try await rest.retrieve(address, fields: names, modifiedSince: since)
            }
        }
        do {
            let reader = RecordReader(rest, describes: DescribeCache(rest))
            if let record = try await reader.read(entity: object, id: id, fields: names) { return record }
        } catch let error as RESTError {
            throw CommandFailure(error)
        }
        throw CommandFailure(.badInput, "\(object) \(id) is gone, or the user may not see it.")
    }
}
