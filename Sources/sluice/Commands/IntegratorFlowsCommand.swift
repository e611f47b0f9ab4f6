import ArgumentParser
import Events
import IntegratorIO

struct IntegratorFlowsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "flows", abstract: "Lists flows.")

    @OptionGroup var options: IntegratorOptions
    @Option(help: "Only those of this integration.") var integration: String?

    func run() async throws {
        let client = try options.client()
        let answer = try await integratorAnswer { () throws(IntegratorFailure) in
            try await client.flows(integration: integration)
        }
        if options.json { return Terminal.output.write(jsonLine(answer.json)) }
        if answer.content.isEmpty { return Terminal.error.write("No flows.\n") }
        var table = Table(["ID", "STATE", "SCHEDULE", "LAST RUN", "NAME"])
        for flow in answer.content {
            table.add([flow.id, flow.state, flow.schedule ?? "-", flow.lastExecutedAt ?? "-", flow.name.printable])
        }
        Terminal.output.write(table.text)
    }
}

extension IntegratorFlow {
    fileprivate var state: String { isAbstract ? "abstract" : disabled ? "disabled" : "enabled" }
}

struct IntegratorFlowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flow", abstract: "Looks at one flow, or changes it.",
        subcommands: [
            Show.self, IntegratorFlowPatchCommand.self, IntegratorFlowReplaceCommand.self,
            IntegratorFlowCreateCommand.self, IntegratorFlowDeleteCommand.self, Connection.self, Template.self,
            Statistics.self,
        ], defaultSubcommand: Show.self)

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows a flow, and what stands in the way of running it.")

        @OptionGroup var options: IntegratorOptions
        @Argument(help: "The flow's ID.") var id: String

        func run() async throws {
            let client = try options.client()
            if options.json {
                let flow = try await integratorAnswer { () throws(IntegratorFailure) in
                    try await client.describedFlow(id)
                }
                return Terminal.output.write(jsonLine(flow.json))
            }
            let seen = try await integratorAnswer { () throws(IntegratorFailure) in
                (try await FlowActivation(client, flow: id), try await client.lastExportTime(flow: id))
            }
            Terminal.output.write(Self.text(seen.0, lastExport: seen.1))
        }

        private static func text(_ activation: FlowActivation, lastExport: Int64?) -> String {
            let flow = activation.flow
            let steps = flow.steps.map { step in
                switch step {
                case .importer(let id): "import \(id)"
                case .lookup(let id): "lookup \(id)"
                }
            }
            var lines = [
                "Flow        \(flow.name.printable) (\(flow.id))", "State       \(flow.state)",
                "Integration \(flow.integration ?? "-")", "Sources     \(flow.exports.joined(separator: ", "))",
                "Steps       \(steps.joined(separator: ", "))", "Schedule    \(flow.schedule ?? "-")",
                "Exported to \(lastExport.map(ISOTime.text) ?? "-")", "Changed     \(flow.lastModified ?? "-")",
            ]
            lines += activation.findings.map { finding in
                switch finding.effect {
                case .blocks: "Problem     \(finding)"
                case .waits, .warns: "Warning     \(finding)"
                }
            }
            return lines.joined(separator: "\n") + "\n"
        }
    }

    struct Connection: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "replace-connection", abstract: "Lets the steps that use one connection use another.",
            discussion: "Celigo does not document the body of this call. Asks first, unless --yes.")

        @OptionGroup var options: IntegratorOptions
        @Argument(help: "The flow's ID.") var id: String
        @Argument(help: "The connection that is used now.") var old: String
        @Argument(help: "The one to use.") var new: String
        @Flag(help: "Do not ask.") var yes = false

        func run() async throws {
            let client = try options.client()
            guard yes || isConfirmed("Replace connection \(old) by \(new) in flow \(id)?") else {
                throw CommandFailure(.badInput, "nothing was changed; add --yes to do it")
            }
            let answer = try await integratorAnswer { () throws(IntegratorFailure) in
                try await client.replaceConnection(flow: id, old: old, new: new)
            }
            Terminal.output.write(options.json ? jsonLine(answer) : Array("Replaced in flow \(id).\n".utf8))
        }
    }

    struct Template: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints the address where the flow can be downloaded as a template for a while.",
            discussion: "Who has the address has the template.")

        @OptionGroup var options: IntegratorOptions
        @Argument(help: "The flow's ID.") var id: String

        func run() async throws {
            let client = try options.client()
            let url = try await integratorAnswer { () throws(IntegratorFailure) in try await client.template(flow: id) }
            Terminal.output.write(
                options.json ? jsonLine(.record(["signedURL": .string(url.exposed)])) : Array((url.exposed + "\n").utf8)
            )
        }
    }

    struct Statistics: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "stats", abstract: "Prints statistics of the runs of flows as JSON.")

        @OptionGroup var options: IntegratorOptions
        @Argument(help: "IDs of flows.") var ids: [String]

        func run() async throws {
            let client = try options.client()
            let answer = try await integratorAnswer { () throws(IntegratorFailure) in
                try await client.runStatistics(flows: ids)
            }
            Terminal.output.write(jsonLine(answer))
        }
    }
}
