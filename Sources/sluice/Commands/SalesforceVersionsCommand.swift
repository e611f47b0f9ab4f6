import ArgumentParser
import Curl
import Events
import Salesforce
import SalesforceREST
import Settings

struct SalesforceVersionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "versions", abstract: "Lists the versions of the REST API that the org serves.",
        discussion: "Needs no sign-in: it shows whether loginUrl leads to Salesforce at all. * is rest.apiVersion.")

    @OptionGroup var org: SalesforceOrgOption
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        let configuration = try org.chosen().0
        let host: LoginURL
        do throws(SetupError) {
            host = try LoginURL(configuration.loginURL)
        } catch {
            throw CommandFailure(.badInput, "org \(configuration.alias): \(error)")
        }
        let list = VersionList(host, http: CurlClient(), connection: configuration.tls.options)
        let versions = try await salesforceAnswer { () async throws(RESTError) in try await list.versions() }
        let used = configuration.restOptions.version
        if json {
            return printJSON(
                .list(
                    versions.map {
                        .record([
                            "version": .string($0.number), "label": .string($0.label), "used": .bool($0.number == used),
                        ])
                    }))
        }
        var table = Table(["VERSION", "LABEL", ""])
        for version in versions { table.add([version.number, version.label, version.number == used ? "*" : ""]) }
        Terminal.output.write(table.text)
        if !versions.contains(where: { $0.number == used }) {
            Terminal.error.write("\(used), which sluice.yaml has as rest.apiVersion, is not served.\n")
        }
    }
}
