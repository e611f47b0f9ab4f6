import ArgumentParser
import Events
import Salesforce
import SalesforceREST

struct SalesforceUpdateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Changes fields of a record, or of those of a file.",
        discussion: """
            sluice salesforce update Account 001xx000003DGb2AAG --set Name=Acme
            sluice salesforce update Contact --file contacts.json

            Without an ID each record of the file has its Id. Fields that are not named stay; null empties one.
            """)

    @OptionGroup var org: SalesforceOrgOption
    @Argument(help: "API name of the object.") var object: String
    @Argument(help: "The record's ID.") var id: String?
    @OptionGroup var input: SalesforceRecordInput
    @Option(help: "Only if nobody changed it since: its LastModifiedDate, or how long ago: 30m.")
    var ifUnmodifiedSince: String?
    @OptionGroup var collection: SalesforceCollectionOption
    @Flag(help: "Print JSON, a line for each record.") var json = false

    func run() async throws {
        let records = try input.records(of: object)
        guard let id else { return try await updateAll(records) }
        guard records.count == 1 else {
            throw CommandFailure(.badInput, "one ID is given, and \(records.count) records: leave the ID out.")
        }
        var fields = records[0]
        try fields.take(id: id, "the record")
        guard !fields.isEmpty else {
            throw CommandFailure(.badInput, "nothing is to be changed: the record has only its Id.")
        }
        let since = try ifUnmodifiedSince.map { try SalesforceMoment.header($0, "--if-unmodified-since") }
        let rest = try org.load().rest
        try await salesforceWrite { [fields] () async throws(RESTError) in
            try await rest.update(.id(object, id), fields, unmodifiedSince: since)
        }
        SalesforceWriteReport(.update, object, json: json).show(.init(id: id, isCreated: false))
    }

    private func updateAll(_ records: [Fields]) async throws {
        guard ifUnmodifiedSince == nil else {
            throw CommandFailure(.badInput, "--if-unmodified-since is about one record: name its ID.")
        }
        var ids: [String] = []
        var named: [Fields] = []
        for (place, record) in records.enumerated() {
            var record = record
            ids.append(try record.takeID("record \(place + 1)"))
            guard !record.isEmpty else { throw CommandFailure(.badInput, "record \(place + 1) has only its Id.") }
            named.append(Fields([.init(name: "Id", value: .string(ids[place]))] + record.fields))
        }
        let report = SalesforceWriteReport(.update, object, json: json, ids: ids)
        try await collection.write(named, .update(object), org.load().rest, report)
    }
}

extension Fields {
    /// Takes out the ID, which is not a field to be written.
    fileprivate mutating func takeID(_ place: String) throws -> String {
        guard let name = idName, case .string(let id)? = self[name], SalesforceID.isID(id) else {
            throw CommandFailure(.badInput, "\(place) has no Id of 15 or 18 letters and digits. Nothing was sent.")
        }
        self[name] = nil
        return id
    }

    /// The same where it is known already, and may be missing.
    fileprivate mutating func take(id: String, _ place: String) throws {
        guard let name = idName else { return }
        let other = try takeID(place)
        guard other.prefix(15) == id.prefix(15) else {
            throw CommandFailure(
                .badInput, "\(place) has the \(name) \(other), and \(id) is to be updated. Nothing was sent.")
        }
    }

    private var idName: String? { fields.first { $0.name.lowercased() == "id" }?.name }
}
