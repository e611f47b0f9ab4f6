import ArgumentParser
import Events
import SalesforceREST

struct SalesforceSearchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search", abstract: "Finds records of several objects by their text (SOSL).",
        discussion: """
            sluice salesforce search 'FIND {Acme} RETURNING Account(Id, Name), Contact(Id)'

            A backslash goes before any of ? & | ! { } [ ] ( ) ^ ~ * : \\ " ' + - in what is looked for. What was \
            written a moment ago may not be found yet.
            """)

    @OptionGroup var org: SalesforceOrgOption
    @Argument(help: "SOSL, in quotes.") var sosl: String
    @Flag(help: "Print a JSON array.") var json = false

    func run() async throws {
        let rest = try org.load().rest
        let found = try await salesforceAnswer { () async throws(RESTError) in try await rest.search(sosl) }
        var printer = SalesforceRecordPrinter(json: json)
        printer.show(
            found.map { Fields([.init(name: "object", value: .string($0.entity))] + $0.record.fields) }, total: nil)
        printer.end()
    }
}
