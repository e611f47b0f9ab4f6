import ArgumentParser
import Events
import IntegratorIO

extension IntegratorClient.Resource: ExpressibleByArgument {}

struct IntegratorAuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Prints who changed what of a flow, as JSON.")

    @OptionGroup var options: IntegratorOptions
    @Argument(help: "The flow's ID.") var id: String

    func run() async throws {
        let client = try options.client()
        let log = try await integratorAnswer { () throws(IntegratorFailure) in try await client.audit(flow: id) }
        Terminal.output.write(jsonLine(.list(log)))
    }
}

struct IntegratorDependenciesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dependencies", abstract: "Prints what uses a flow, or is used by it, as JSON.")

    @OptionGroup var options: IntegratorOptions
    @Argument(help: "The flow's ID.") var id: String
    @Flag(help: "Its exports and imports instead.") var steps = false

    func run() async throws {
        let client = try options.client()
        let document = try await integratorAnswer { () throws(IntegratorFailure) in
            steps ? try await client.descendants(flow: id) : try await client.dependencies(flow: id)
        }
        Terminal.output.write(jsonLine(document))
    }
}

struct IntegratorListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists exports, imports, connections, integrations or flows.")

    @OptionGroup var options: IntegratorOptions
    @Argument(help: "exports, imports, connections, integrations or flows.") var kind: IntegratorClient.Resource
    @Option(help: "Show only these fields, with commas between.") var include: String?
    @Option(help: "Leave these fields out.") var exclude: String?

    func run() async throws {
        guard include == nil || exclude == nil else {
            throw CommandFailure(.badInput, "integrator.io takes --include or --exclude, not both")
        }
        func names(_ text: String) -> [String] { text.split(separator: ",").map(String.init) }
        let projection: IntegratorClient.Projection? =
            include.map { .include(names($0)) } ?? exclude.map { .exclude(names($0)) }
        let client = try options.client()
        let all = try await integratorAnswer { () throws(IntegratorFailure) in try await client.all(kind, projection) }
        if options.json || projection != nil { return Terminal.output.write(jsonLine(.list(all))) }
        if all.isEmpty { return Terminal.error.write("No \(kind.rawValue).\n") }
        var table = Table(["ID", "TYPE", "STATE", "NAME"])
        for document in all.map(ResourceLine.init) { table.add(document.cells) }
        Terminal.output.write(table.text)
    }
}

/// What all kinds of resources have in common.
private struct ResourceLine {
    let cells: [String]

    init(_ document: Value) {
        guard case .record(let fields) = document else {
            cells = ["-", "-", "-", "-"]
            return
        }
        func text(_ name: String) -> String? {
            if case .string(let text)? = fields[name] { return text }
            return nil
        }
        let isOff = fields["offline"] == .bool(true) ? "offline" : fields["disabled"] == .bool(true) ? "disabled" : "-"
        cells = [text("_id") ?? "-", text("type") ?? text("adaptorType") ?? "-", isOff, text("name")?.printable ?? "-"]
    }
}

struct IntegratorGetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Prints an export, import, connection, integration or flow as JSON.")

    @OptionGroup var options: IntegratorOptions
    @Argument(help: "exports, imports, connections, integrations or flows.") var kind: IntegratorClient.Resource
    @Argument(help: "Its ID.") var id: String

    func run() async throws {
        let client = try options.client()
        let document = try await integratorAnswer { () throws(IntegratorFailure) in try await client.read(kind, id) }
        Terminal.output.write(jsonLine(document))
    }
}

struct IntegratorInvokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invoke", abstract: "Runs one export or import by itself and prints its outcome as JSON.",
        discussion: "integrator.io makes no job of it, shows it on no dashboard and never tries again.")

    enum Kind: String, ExpressibleByArgument, CaseIterable { case export, `import` }

    @OptionGroup var options: IntegratorOptions
    @Argument(help: "export or import.") var kind: Kind
    @Argument(help: "Its ID.") var id: String
    @Option(help: "JSON file with a list of records; - is standard input. An import needs it.") var file: String?

    func run() async throws {
        let records = try file.map(jsonDocument)
        guard kind == .export || records != nil else { throw CommandFailure(.badInput, "an import needs --file") }
        let client = try options.client()
        let outcome = try await integratorAnswer { () throws(IntegratorFailure) in
            try await client.invoke(kind == .export ? .exports : .imports, id, records: records)
        }
        Terminal.output.write(jsonLine(outcome))
    }
}

struct IntegratorStateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "state", abstract: "Reads and writes the values that flows and scripts keep.",
        subcommands: [List.self, Get.self, Set.self, Delete.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Prints all keys as JSON.")

        @OptionGroup var options: IntegratorOptions

        func run() async throws {
            let client = try options.client()
            let keys = try await integratorAnswer { () throws(IntegratorFailure) in try await client.stateKeys() }
            Terminal.output.write(jsonLine(keys))
        }
    }

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Prints a value as JSON.")

        @OptionGroup var options: IntegratorOptions
        @Argument(help: "The key.") var key: String

        func run() async throws {
            let client = try options.client()
            let value = try await integratorAnswer { () throws(IntegratorFailure) in try await client.state(key) }
            Terminal.output.write(jsonLine(value))
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Sets a value.")

        @OptionGroup var options: IntegratorOptions
        @Argument(help: "The key.") var key: String
        @Option(help: "JSON file with the value; - is standard input.") var file: String

        func run() async throws {
            let value = try jsonDocument(file)
            let client = try options.client()
            try await integratorAnswer { () throws(IntegratorFailure) in try await client.setState(key, value) }
            Terminal.output.write(options.json ? jsonLine(value) : Array("Set '\(key)'.\n".utf8))
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Deletes a value.")

        @OptionGroup var options: IntegratorOptions
        @Argument(help: "The key.") var key: String

        func run() async throws {
            let client = try options.client()
            try await integratorAnswer { () throws(IntegratorFailure) in try await client.deleteState(key) }
            Terminal.output.write(options.json ? jsonLine(.null) : Array("Deleted '\(key)'.\n".utf8))
        }
    }
}
