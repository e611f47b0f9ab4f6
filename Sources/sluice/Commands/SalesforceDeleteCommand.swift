import ArgumentParser
import Events
import Salesforce
import SalesforceREST

struct SalesforceDeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Deletes records, which go to the recycle bin.",
        discussion: "Asks first, unless --yes. IDs that are not of the object are refused, and nothing is sent.")

    @OptionGroup var org: SalesforceOrgOption
    @Argument(help: "API name of the object.") var object: String
    @Argument(help: "IDs of records.") var ids: [String]
    @OptionGroup var collection: SalesforceCollectionOption
    @Flag(help: "Do not ask.") var yes = false
    @Flag(help: "Print JSON, a line for each record.") var json = false

    func run() async throws {
        guard ids.count <= SalesforceRecordInput.maximumRecords else {
            throw CommandFailure(
                .badInput, "\(ids.count) IDs are given, \(SalesforceRecordInput.maximumRecords) at most.")
        }
        if let wrong = ids.first(where: { !SalesforceID.isID($0) }) {
            throw CommandFailure(
                .badInput, "'\(wrong)' is no ID: it has 15 or 18 letters and digits. Nothing was deleted.")
        }
        let rest = try org.load().rest
        if ids.count > 1 { try await check(rest) }
        let what = ids.count == 1 ? "\(object) \(ids[0])" : "\(ids.count) records of \(object)"
        guard yes || isConfirmed("Delete \(what)?") else {
            throw CommandFailure(.badInput, "\(what): nothing was deleted; add --yes to do it")
        }
        let report = SalesforceWriteReport(.delete, object, json: json, ids: ids)
        guard ids.count > 1 else { return try await deleteOne(rest, report) }
        let records = ids.map { Fields([.init(name: "Id", value: .string($0))]) }
        try await collection.write(records, .delete, rest, report)
    }

    private func deleteOne(_ rest: RESTClient, _ report: SalesforceWriteReport) async throws {
        do throws(RESTError) {
            try await rest.delete(.id(object, ids[0]))
            report.show(.init(id: ids[0], isCreated: false))
        } catch {
            guard error.code == "ENTITY_IS_DELETED" else {
                return try await salesforceWrite { [error] () async throws(RESTError) in throw error }
            }
            // As it was wished; an earlier try may have done it.
            if json { return report.show(.init(id: ids[0], isCreated: false)) }
            Terminal.output.write("\(object) \(ids[0]) was deleted already.\n")
        }
    }

    /// The call takes IDs of any object: a slip of the hand must not delete something else.
    private func check(_ rest: RESTClient) async throws {
        let description = try await salesforceAnswer { () async throws(RESTError) in
            try await DescribeCache(rest).description(of: object)
        }
        guard !description.keyPrefix.isEmpty else { throw CommandFailure(.badInput, "\(object) has no records.") }
        guard let other = ids.first(where: { !$0.hasPrefix(description.keyPrefix) }) else { return }
        throw CommandFailure(
            .badInput,
            "\(other) is not of \(object), whose IDs begin with \(description.keyPrefix). Nothing was deleted.")
    }
}
