import ArgumentParser
import Events
import SalesforceREST

struct SalesforceEventSchemaCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "event-schema", abstract: "Shows the schema of an event, by its name or by a schema ID.",
        discussion: """
            By name it is the current one: Order_Ready__e, AccountChangeEvent. --json prints the Avro schema itself, \
            for a snapshot that `rules lint --schema` and `rules schema --org` take:

              sluice salesforce event-schema AccountChangeEvent --json > schema/Account.avsc
            """)

    @OptionGroup var org: SalesforceOrgOption
    @Argument(help: "A schema ID, or an event's API name.") var event: String
    @Flag(help: "Print JSON: the Avro schema.") var json = false

    func run() async throws {
        let rest = try org.load().rest
        let text = try await salesforceAnswer { () async throws(RESTError) in
            Self.isSchemaID(event) ? try await rest.eventSchema(id: event) : try await rest.eventSchema(event: event)
        }
        if json { return Terminal.output.write(text + "\n") }
        guard case .record(let schema)? = try? JSONReader.parse(text), case .list(let fields)? = schema["fields"] else {
            throw CommandFailure(.environment, "what came as the schema of \(event) is no Avro schema of a record.")
        }
        var table = Table(["FIELD", "TYPE", "SALESFORCE TYPE"])
        for case .record(let field) in fields {
            table.add([Self.text(field["name"]), Self.type(field["type"] ?? .null), Self.text(field["doc"])])
        }
        Terminal.output.write(table.text)
    }

    /// 22 characters of base64url; names of events end otherwise.
    private static func isSchemaID(_ text: String) -> Bool {
        text.utf8.count == 22 && !text.hasSuffix("__e") && !text.hasSuffix("Event")
    }

    private static func text(_ value: Value?) -> String {
        if case .string(let text)? = value { text.printable } else { "" }
    }

    /// `string, may be null`
    private static func type(_ type: Value) -> String {
        switch type {
        case .string(let name): return name
        case .list(let branches):
            let names = branches.map(Self.type)
            let others = names.filter { $0 != "null" }.joined(separator: " or ")
            return names.contains("null") ? "\(others), may be null" : others
        case .record(let named):
            guard case .string("array")? = named["type"] else { return text(named["name"] ?? named["type"]) }
            return "list of \(Self.type(named["items"] ?? .null))"
        default: return "?"
        }
    }
}
