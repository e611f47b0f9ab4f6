import ArgumentParser
import Events
import Salesforce
import SalesforceREST

struct SalesforceUpsertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upsert", abstract: "Updates the record that has an external ID, or creates it.",
        discussion: """
            sluice salesforce upsert Account --by Number__c A-17 --set Name=Acme
            sluice salesforce upsert Contact --by External_Id__c --file contacts.json

            Without a value each record of the file has that field.
            """)

    @OptionGroup var org: SalesforceOrgOption
    @Argument(help: "API name of the object.") var object: String
    @Argument(help: "The external ID's value.") var value: String?
    @Option(help: "The external ID field.") var by: String
    @OptionGroup var input: SalesforceRecordInput
    @OptionGroup var collection: SalesforceCollectionOption
    @Flag(help: "Print JSON, a line for each record.") var json = false

    func run() async throws {
        var records = try input.records(of: object)
        let report = SalesforceWriteReport(.upsert, object, json: json)
        guard let value else {
            if let missing = records.firstIndex(where: { ($0[by] ?? .null) == .null || $0[by] == .string("") }) {
                throw CommandFailure(.badInput, "record \(missing + 1) has no \(by). Nothing was sent.")
            }
            return try await collection.write(records, .upsert(object, by: by), org.load().rest, report)
        }
        guard !value.isEmpty else { throw CommandFailure(.badInput, "the value of \(by) is empty.") }
        guard records.count == 1 else {
            throw CommandFailure(
                .badInput, "one value of \(by) is given, and \(records.count) records: leave the value out.")
        }
        // Salesforce takes it from the address alone.
        if let inside = records[0][by] {
            guard inside == .string(value) else {
                throw CommandFailure(.badInput, "the record has another \(by) than \(value). Nothing was sent.")
            }
            records[0][by] = nil
        }
        let rest = try org.load().rest
        let saved = try await salesforceWrite { [fields = records[0]] () async throws(RESTError) in
            try await rest.upsert(.external(object, by, value), fields)
        }
        report.show(saved)
    }
}
