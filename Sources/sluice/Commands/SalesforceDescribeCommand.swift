import ArgumentParser
import Events
import Salesforce
import SalesforceREST

struct SalesforceDescribeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe", abstract: "Lists the objects of the org, or the fields of one.",
        discussion: """
            --raw prints what Salesforce answers, for a snapshot that `rules lint --schema` and `rules schema --org` \
            take:

              sluice salesforce describe Opportunity --raw > schema/Opportunity.json
            """)

    @OptionGroup var org: SalesforceOrgOption
    @Argument(help: "API name of an object; without it, all objects are listed.") var object: String?
    @Flag(help: "Print Salesforce's own answer.") var raw = false
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard !raw || object != nil else { throw ValidationError("--raw wants an object.") }
    }

    func run() async throws {
        let rest = try org.load().rest
        guard let object else { return try await listObjects(rest) }
        if raw {
            let answer = try await salesforceAnswer { () async throws(RESTError) in
                try await rest.describeAnswer(object)
            }
            return Terminal.output.write(answer + [UInt8(ascii: "\n")])
        }
        let description = try await salesforceAnswer { () async throws(RESTError) in
            try await DescribeCache(rest).description(of: object)
        }
        if json { return printJSON(description.value) }
        var table = Table(["FIELD", "TYPE", "LABEL", "NOTES"])
        for field in description.fields { table.add([field.name, field.typeText, field.label, field.notes]) }
        Terminal.output.write(table.text)
    }

    private func listObjects(_ rest: RESTClient) async throws {
        let objects = try await salesforceAnswer { () async throws(RESTError) in try await rest.objects() }
        if json {
            return printJSON(
                .list(
                    objects.map {
                        .record([
                            "name": .string($0.name), "label": .string($0.label), "keyPrefix": .string($0.keyPrefix),
                            "queryable": .bool($0.isQueryable), "custom": .bool($0.isCustom),
                        ])
                    }))
        }
        var table = Table(["OBJECT", "LABEL", "PREFIX"])
        for object in objects { table.add([object.name, object.label, object.keyPrefix]) }
        Terminal.output.write(table.text)
    }
}

extension ObjectDescription {
    fileprivate var value: Value {
        .record([
            "name": .string(name), "label": .string(label), "keyPrefix": .string(keyPrefix),
            "queryable": .bool(isQueryable), "custom": .bool(isCustom), "fields": .list(fields.map(\.value)),
        ])
    }
}

extension ObjectDescription.Field {
    fileprivate var typeText: String {
        if !referenceTo.isEmpty { return "\(type) \(referenceTo.prefix(3).joined(separator: "|"))" }
        return type == "string" && length > 0 ? "string(\(length))" : type
    }

    fileprivate var notes: String {
        [
            isNillable ? nil : "required", isExternalID ? "external ID" : nil, isCalculated ? "formula" : nil,
            isUpdateable || isCreateable ? nil : "read only", compound.map { "part of \($0)" },
        ].compactMap { $0 }.joined(separator: ", ")
    }

    fileprivate var value: Value {
        .record([
            "name": .string(name), "label": .string(label), "type": .string(type),
            "compound": compound.map(Value.string) ?? .null, "length": .int(Int64(length)),
            "nillable": .bool(isNillable), "createable": .bool(isCreateable), "updateable": .bool(isUpdateable),
            "externalId": .bool(isExternalID), "calculated": .bool(isCalculated), "custom": .bool(isCustom),
            "referenceTo": .list(referenceTo.map(Value.string)), "picklist": .list(picklist.map(Value.string)),
        ])
    }
}
