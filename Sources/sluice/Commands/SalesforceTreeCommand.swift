import ArgumentParser
import Events
import SalesforceREST

struct SalesforceTreeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tree", abstract: "Creates records with their children, all or none.",
        discussion: """
            The file is the body of Salesforce's guide, {"records": [...]}, or the list alone; 200 records with all \
            children. Records at the top get attributes if they have none: the object's type, and a name, record1 and \
            so on.

            {"Name": "Acme", "Contacts": {"records": [
              {"attributes": {"type": "Contact", "referenceId": "c1"}, "LastName": "Roe"}]}}
            """)

    @OptionGroup var org: SalesforceOrgOption
    @Argument(help: "API name of the object at the top.") var object: String
    @Option(help: "JSON file; - is standard input.") var file: String
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        let records = try SalesforceTreeFile.records(file, object)
        let rest = try org.load().rest
        let result = try await salesforceWrite { () async throws(RESTError) in
            try await rest.createTree(object, records)
        }
        switch result {
        case .created(let created):
            if json {
                return printJSON(
                    .list(
                        created.map { .record(["referenceId": .string($0.referenceID), "id": .string($0.id)]) }))
            }
            var table = Table(["REFERENCE", "ID"])
            for record in created { table.add([record.referenceID, record.id]) }
            Terminal.output.write(table.text + "Created \(counted(created.count, "record")).\n")
        case .failed(let failures):
            for failure in failures { show(failure) }
            throw CommandFailure(
                .failed, "nothing was created: \(counted(failures.count, "record")) stood in the way, see above.")
        }
    }

    private func show(_ failure: RESTClient.TreeResult.Failed) {
        guard json else {
            return Terminal.output.write("\(failure.referenceID): \(failure.error.reason.printable)\n")
        }
        printJSON(
            .record([
                "referenceId": .string(failure.referenceID), "code": .string(failure.error.code),
                "error": .string(failure.error.reason), "fields": .list(failure.error.fields.map(Value.string)),
            ]))
    }
}

/// The file of a tree.
enum SalesforceTreeFile {
    static let maximumBytes = 4 << 20

    /// The records at the top, each with its attributes.
    static func records(_ file: String, _ object: String) throws -> [Value] {
        var records: [Value]
        let advice = "A tree has 200 records at most."
        switch try SalesforceRequestFile.json(file, maximumBytes: maximumBytes, advice: advice) {
        case .list(let list): records = list
        case .record(let body):
            if case .list(let list)? = body["records"] { records = list } else { records = [.record(body)] }
        default: throw CommandFailure(.badInput, "\(file) is no JSON object or list.")
        }
        guard !records.isEmpty else { throw CommandFailure(.badInput, "\(file) holds no records.") }
        return try records.enumerated().map { place, record in
            guard case .record(var fields) = record else {
                throw CommandFailure(.badInput, "\(file): record \(place + 1) is no JSON object.")
            }
            if fields["attributes"] == nil {
                let attributes: Fields = [
                    "type": .string(object), "referenceId": .string("record\(place + 1)"),
                ]
                fields = Fields([.init(name: "attributes", value: .record(attributes))] + fields.fields)
            }
            return .record(fields)
        }
    }
}
