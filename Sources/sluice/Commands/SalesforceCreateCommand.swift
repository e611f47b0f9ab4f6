import ArgumentParser
import Events
import Salesforce
import SalesforceREST

struct SalesforceCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Creates a record, or those of a file.",
        discussion: """
            sluice salesforce create Account --set Name=Acme --set Amount__c=5
            sluice salesforce create Contact --file contacts.json

            Several are created by collections, 200 in a call, each with a result of its own. If an answer is lost, \
            its records are named as not known and never sent again, and nothing more is sent.
            """)

    @OptionGroup var org: SalesforceOrgOption
    @Argument(help: "API name of the object, or of a platform event.") var object: String
    @OptionGroup var input: SalesforceRecordInput
    @OptionGroup var collection: SalesforceCollectionOption
    @Flag(help: "Print JSON, a line for each record.") var json = false

    func run() async throws {
        let records = try input.records(of: object)
        let rest = try org.load().rest
        let report = SalesforceWriteReport(.create, object, json: json)
        guard records.count == 1 else {
            return try await collection.write(records, .create(object), rest, report)
        }
        let saved = try await salesforceWrite { () async throws(RESTError) in
            try await rest.create(object, records[0])
        }
        report.show(saved)
    }
}
