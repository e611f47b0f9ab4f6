import ArgumentParser
import Events
import FlowMate

struct FlowMateFlowsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "flows", abstract: "Lists flows, all pages of them.")

    @OptionGroup var options: FlowMateOptions
    @Option(help: "active or inactive.") var status: FlowMateFlowFilter.Status?
    @Option(help: "Flows of this user, by either of the user's IDs.") var user: String?
    @Option(help: "ordinary or long_running.") var type: FlowMateFlowFilter.Kind?
    @Option(help: "Flows made from this template.") var template: String?
    @Option(help: "Part of name or description.") var search: String?
    @Option(help: "createdAt, updatedAt or name.") var sort: FlowMateFlowFilter.Order?
    @Flag(help: "The newest, or last by name, first.") var reverse = false

    func run() async throws {
        let client = try options.client()
        let filter = try await filter(client)
        let answer = try await flowMateAnswer { () throws(FlowMateError) in try await client.flows(filter) }
        if options.json { return Terminal.output.write(jsonLine(answer.json)) }
        var table = Table(["ID", "STATUS", "TRIGGER", "TAKES", "UPDATED", "NAME"])
        for flow in answer.content.flows {
            let inputs = flow.contract.map { counted($0.inputs.count, "parameter") } ?? "-"
            let trigger = flow.cron.flatMap { $0.isEmpty ? nil : $0 } ?? "webhook"
            table.add([flow.id, flow.status, trigger, inputs, flow.updatedAt ?? "-", flow.name.printable])
        }
        if answer.content.flows.isEmpty { return Terminal.error.write("No flows.\n") }
        Terminal.output.write(table.text)
        if !answer.content.isComplete { Terminal.error.write("There are more flows than are read.\n") }
    }

    private func filter(_ client: FlowMateClient) async throws -> FlowMateFlowFilter {
        var filter = FlowMateFlowFilter(status: status, template: template)
        filter.kind = type
        filter.search = search
        filter.order = reverse ? sort ?? .createdAt : sort
        filter.isDescending = reverse
        if let user { filter.user = try await Self.internalID(user, client) }
        return filter
    }

    /// FlowMate's own ID of a user. FlowMate may show other people's flows for any ID, so only one that is in the list
    /// of users is sent.
    private static func internalID(_ text: String, _ client: FlowMateClient) async throws -> String {
        let found = try await flowMateAnswer { () throws(FlowMateError) -> FlowMateUser? in
            if let user = try await client.user(named: text) { return user }
            guard FlowMateWebhook.isFlowID(text) else { return nil }
            return try await client.users(.init(ids: [text])).content.first { $0.id == text }
        }
        guard let found else { throw CommandFailure(.badInput, "FlowMate has no user '\(text)'") }
        return found.id
    }
}

extension FlowMateFlowFilter.Status: ExpressibleByArgument {}
extension FlowMateFlowFilter.Kind: ExpressibleByArgument {}
extension FlowMateFlowFilter.Order: ExpressibleByArgument {}

struct FlowMateFlowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flow", abstract: "Looks at one flow.", subcommands: [Show.self, Logs.self],
        defaultSubcommand: Show.self)

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows a flow: its state, whom it belongs to, and what it takes.")

        @OptionGroup var options: FlowMateOptions
        @Argument(help: "The flow's ID.") var id: String

        func run() async throws {
            guard FlowMateWebhook.isFlowID(id) else {
                throw CommandFailure(.badInput, "'\(id)' is no flow ID: FlowMate's have 24 hex digits")
            }
            let client = try options.client()
            let found = try await flowMateAnswer { () throws(FlowMateError) in try await client.describedFlow(id) }
            guard let found else { throw CommandFailure(.badInput, "FlowMate has no flow \(id)") }
            Terminal.output.write(options.json ? jsonLine(found.json) : Array(Self.text(found.content).utf8))
        }

        private static func text(_ flow: FlowMateFlow) -> String {
            var lines = [
                "Flow      \(flow.name.printable) (\(flow.id))", "Status    \(flow.status)",
                "Trigger   \(flow.isScheduled ? "schedule \(flow.cron ?? "")" : "webhook")",
                "Owners    \(flow.owners.map { "\($0.type) \($0.id)" }.joined(separator: ", "))",
                "Template  \(flow.template ?? "-")", "Updated   \(flow.updatedAt ?? "-")",
            ]
            if !flow.hasFirstNode { lines.append("Problem   it has no first step, so its webhook cannot run") }
            guard let contract = flow.contract else {
                lines.append("Takes     it does not say (rules need conform: off)")
                return lines.joined(separator: "\n") + "\n"
            }
            lines += contract.inputs.map { "Takes     \($0.name): \($0.type)".printable }
            lines += contract.outputs.map { "Gives     \($0.name): \($0.type)".printable }
            return lines.joined(separator: "\n") + "\n"
        }
    }

    struct Logs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints the log of one step as JSON.",
            discussion: "A call of the open source that the hosted platform does not document.")

        @OptionGroup var options: FlowMateOptions
        @Argument(help: "The flow's ID.") var id: String
        @Argument(help: "The step's ID, from `flow show --json`.") var step: String
        @Option(parsing: .unconditional, help: "Entries on a page.", transform: WholeNumber.atLeastOne.parse)
        var pageSize = 100
        @Option(help: "The next page, as the one before named it.") var pageToken: String?

        func run() async throws {
            let client = try options.client()
            let log = try await flowMateAnswer { () throws(FlowMateError) in
                try await client.stepLogs(flow: id, step: step, pageSize: pageSize, pageToken: pageToken)
            }
            Terminal.output.write(jsonLine(log))
        }
    }
}
