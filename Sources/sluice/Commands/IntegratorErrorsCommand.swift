import ArgumentParser
import Events
import IntegratorIO

struct IntegratorErrorsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "errors", abstract: "Counts or lists records that failed.",
        discussion: "A flow alone gives counts by step; with a step, its errors. --integration counts by flow.")

    @OptionGroup var options: IntegratorOptions
    @Argument(help: "The flow's ID.") var flow: String?
    @Argument(help: "The ID of one of its exports or imports.") var step: String?
    @Option(help: "Count the errors of this integration's flows.") var integration: String?
    @Option(help: "Occurred from then on.") var from: MomentArgument?
    @Option(help: "Occurred until then.") var until: MomentArgument?
    @Option(help: "application, connection, mapping, …") var source: String?
    @Option(parsing: .unconditional, help: "So many at most.", transform: WholeNumber.atLeastOne.parse)
    var limit = 1000
    @Option(help: "Print the record that is kept under this retryDataKey.") var record: String?

    func run() async throws {
        let client = try options.client()
        if let flow, let step {
            if let record { return try await show(record, flow, step, client) }
            return try await list(flow, step, client)
        }
        guard (flow == nil) != (integration == nil) else {
            throw CommandFailure(.badInput, "name a flow (and a step), or --integration")
        }
        let answer = try await integratorAnswer { () throws(IntegratorFailure) in
            if let flow { return try await client.errorCounts(flow: flow) }
            return try await client.errorCounts(integration: integration ?? "")
        }
        if options.json { return Terminal.output.write(jsonLine(answer.json)) }
        if answer.content.isEmpty { return Terminal.error.write("No errors.\n") }
        var table = Table([flow == nil ? "FLOW" : "STEP", "ERRORS", "LAST"])
        for count in answer.content { table.add([count.id, String(count.errors), count.lastErrorAt ?? "-"]) }
        Terminal.output.write(table.text)
    }

    private func list(_ flow: String, _ step: String, _ client: IntegratorClient) async throws {
        let filter = IntegratorErrorFilter(from: from?.milliseconds, until: until?.milliseconds, source: source)
        let answer = try await integratorAnswer { () throws(IntegratorFailure) in
            try await client.errors(flow: flow, step: step, filter, limit: limit)
        }
        if options.json { return Terminal.output.write(jsonLine(answer.json)) }
        if answer.content.isEmpty { return Terminal.error.write("No errors.\n") }
        var table = Table(["ERROR", "OCCURRED", "SOURCE", "CODE", "RETRY", "MESSAGE"])
        for error in answer.content {
            table.add([
                error.id, error.occurredAt ?? "-", error.source, error.code, error.retryKey == nil ? "no" : "yes",
                String(error.message.prefix(80)).printable,
            ])
        }
        Terminal.output.write(table.text)
    }

    private func show(_ key: String, _ flow: String, _ step: String, _ client: IntegratorClient) async throws {
        let record = try await integratorAnswer { () throws(IntegratorFailure) in
            try await client.retryData(flow: flow, step: step, key: key)
        }
        Terminal.output.write(jsonLine(record))
    }
}

/// Which errors of a step are meant.
struct IntegratorErrorChoice: ParsableArguments {
    @Argument(help: "The flow's ID.") var flow: String
    @Argument(help: "The ID of one of its exports or imports.") var step: String
    @Option(help: "An error's ID. May be repeated.") var error: [String] = []
    @Flag(help: "All open errors of the step.") var all = false

    /// - Parameter isWanted: which of the errors that `--all` finds.
    func ids(
        _ client: IntegratorClient, where isWanted: (IntegratorRecordError) -> Bool = { _ in true }
    ) async throws -> [String] {
        guard all != !error.isEmpty else { throw CommandFailure(.badInput, "name errors by --error, or take --all") }
        guard all else { return error }
        let found = try await integratorAnswer { () throws(IntegratorFailure) in
            try await client.errors(flow: flow, step: step)
        }
        return found.content.filter(isWanted).map(\.id)
    }
}

struct IntegratorRetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Lets integrator.io try failed records again.")

    @OptionGroup var options: IntegratorOptions
    @OptionGroup var choice: IntegratorErrorChoice
    @Option(help: "A retryDataKey instead of an error's ID. May be repeated.") var key: [String] = []

    func run() async throws {
        let client = try options.client()
        let ids = key.isEmpty ? try await choice.ids(client) { $0.retryKey != nil } : []
        guard !ids.isEmpty || !key.isEmpty else { return Terminal.error.write("Nothing to retry.\n") }
        let answer = try await integratorAnswer { () throws(IntegratorFailure) in
            try await client.retry(flow: choice.flow, step: choice.step, key.isEmpty ? .errors(ids) : .keys(key))
        }
        let count = max(ids.count, key.count)
        Terminal.output.write(options.json ? jsonLine(answer) : Array("Retrying \(counted(count, "record")).\n".utf8))
    }
}

struct IntegratorResolveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resolve", abstract: "Marks errors as settled, without doing anything about them.")

    @OptionGroup var options: IntegratorOptions
    @OptionGroup var choice: IntegratorErrorChoice

    func run() async throws {
        let client = try options.client()
        let ids = try await choice.ids(client)
        guard !ids.isEmpty else { return Terminal.error.write("Nothing to resolve.\n") }
        try await integratorAnswer { () throws(IntegratorFailure) in
            try await client.resolve(flow: choice.flow, step: choice.step, errors: ids)
        }
        let line = jsonLine(.record(["resolved": .list(ids.map(Value.string))]))
        Terminal.output.write(options.json ? line : Array("Resolved \(counted(ids.count, "error")).\n".utf8))
    }
}
