import ArgumentParser
import Events
import SalesforceREST

struct SalesforceCompositeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "composite", abstract: "Sends several requests as one.",
        discussion: """
            composite: one after another, 25 at most; a later one may use an earlier one's answer, as @{acme.id}.
            batch: independent of one another, 25 at most.
            graph: groups that are done wholly or not at all, 500 requests at most.

            The file is the body of Salesforce's guide, or a plain list, whose paths are below the version:

            [{"referenceId": "acme", "method": "POST", "path": "/sobjects/Account",
              "body": {"Name": "Acme"}},
             {"referenceId": "read", "method": "GET", "path": "/sobjects/Account/@{acme.id}"}]

            A table cuts answers; --json has them whole.
            """)

    @OptionGroup var org: SalesforceOrgOption
    @Option(help: "JSON file; - is standard input.") var file: String
    @Option(help: "composite, batch or graph; by default what the file is, a plain list is a composite.")
    var kind: SalesforceRequestFile.Kind?
    @Flag(help: "composite: one failure takes everything back.") var allOrNone = false
    @Flag(help: "batch: nothing is done after the first failure.") var haltOnError = false
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        var requests = try SalesforceRequestFile(file, kind: kind)
        requests.allOrNone = requests.allOrNone || allOrNone
        requests.haltOnError = requests.haltOnError || haltOnError
        guard !allOrNone || requests.kind == .composite else {
            throw CommandFailure(.badInput, "--all-or-none is for a composite; a graph is all or none in any case.")
        }
        guard !haltOnError || requests.kind == .batch else {
            throw CommandFailure(.badInput, "--halt-on-error is for a batch.")
        }
        let rest = try org.load().rest
        let answers = try await salesforceWrite { [requests] () async throws(RESTError) in
            try await requests.send(by: rest)
        }
        json ? printJSON(.list(answers.map(value))) : Terminal.output.write(table(answers))
        let failed = answers.filter { $0.response.error != nil }.count
        guard failed > 0 else { return }
        throw CommandFailure(.failed, "\(failed) of \(counted(answers.count, "request")) failed, see above.")
    }

    private func table(_ answers: [SalesforceRequestFile.Answer]) -> String {
        let hasGraphs = answers.contains { $0.graph != nil }
        var table = Table((hasGraphs ? ["GRAPH"] : []) + ["REFERENCE", "STATUS", "ANSWER"])
        for answer in answers {
            let response = answer.response
            let said = response.error?.reason.printable ?? SalesforceRecordPrinter.text(response.body).printable
            let isLong = response.error == nil && said.count > Self.shownCharacters
            table.add(
                (hasGraphs ? [answer.graph ?? ""] : [])
                    + [
                        response.referenceID, "\(response.status)",
                        isLong ? said.prefix(Self.shownCharacters - 1) + "…" : said,
                    ])
        }
        return table.text
    }

    private static let shownCharacters = 120

    private func value(_ answer: SalesforceRequestFile.Answer) -> Value {
        var value = Fields()
        if let graph = answer.graph { value["graphId"] = .string(graph) }
        value["referenceId"] = .string(answer.response.referenceID)
        value["status"] = .int(Int64(answer.response.status))
        value["body"] = answer.response.body
        if let error = answer.response.error { value["error"] = .string(error.reason) }
        return .record(value)
    }
}

extension SalesforceRequestFile.Kind: ExpressibleByArgument {}
