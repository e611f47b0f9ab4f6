import ArgumentParser
import Events
import Salesforce
import SalesforceREST

struct SalesforceGetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Reads one record, by its ID or an external ID.")

    @OptionGroup var org: SalesforceOrgOption
    @Argument(help: "API name of the object.") var object: String
    @Argument(help: "The record's ID, or with --by the external ID's value.") var id: String
    @Option(help: "The external ID field.") var by: String?
    @Option(help: "Fields, separated by commas; all by default.") var fields: String?
    @Flag(help: "With the names and types that rules see, as of a change event.") var asEvent = false
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard !(asEvent && by != nil) else { throw ValidationError("--as-event reads by ID.") }
    }

    func run() async throws {
        let rest = try org.load().rest
        let names = fields.map { $0.split(separator: ",").map(String.init) }
        let record = try await read(rest, names)
        if json { return printJSON(.record(record)) }
        var table = Table(["FIELD", "VALUE"])
        for cell in SalesforceRecordPrinter.cells(record) { table.add([cell.name, cell.text]) }
        Terminal.output.write(table.text)
    }

    private func read(_ rest: RESTClient, _ names: [String]?) async throws -> Fields {
        guard asEvent else {
            let address: RecordAddress = by.map { .external(object, $0, id) } ?? .id(object, id)
            return try await salesforceAnswer { () async throws(RESTError) in
                try await rest.retrieve(address, fields: names) ?? Fields()
            }
        }
        do {
            let reader = RecordReader(rest, describes: DescribeCache(rest))
            if let record = try await reader.read(entity: object, id: id, fields: names) { return record }
        } catch let error as RESTError {
            throw CommandFailure(error)
        }
        throw CommandFailure(.failed, "\(object) \(id) is gone, or the user may not see it.")
    }
}
