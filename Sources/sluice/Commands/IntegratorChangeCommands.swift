import ArgumentParser
import Events
import IntegratorIO

struct IntegratorEnableCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enable", abstract: "Switches a flow on, and changes nothing else of it.")

    @OptionGroup var options: IntegratorOptions
    @Argument(help: "The flow's ID.") var id: String

    func run() async throws { try await setEnabled(true, id, options) }
}

struct IntegratorDisableCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disable", abstract: "Switches a flow off, and changes nothing else of it.")

    @OptionGroup var options: IntegratorOptions
    @Argument(help: "The flow's ID.") var id: String

    func run() async throws { try await setEnabled(false, id, options) }
}

private func setEnabled(_ isEnabled: Bool, _ id: String, _ options: IntegratorOptions) async throws {
    let client = try options.client()
    try await integratorAnswer { () throws(IntegratorFailure) in try await client.setEnabled(isEnabled, flow: id) }
    if options.json {
        return Terminal.output.write(jsonLine(.record(["id": .string(id), "disabled": .bool(!isEnabled)])))
    }
    Terminal.output.write("Flow \(id) is \(isEnabled ? "enabled" : "disabled").\n")
}

struct IntegratorFlowPatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "patch", abstract: "Changes single fields of a flow, and leaves the others.",
        discussion: "Fields: "
            + JSONPatch.flowFields.map { $0.split(separator: "/").joined(separator: "/") }
            .joined(separator: ", ") + ". A * is a position, counted from 0.")

    @OptionGroup var options: IntegratorOptions
    @Argument(help: "The flow's ID.") var id: String
    @Option(help: "FIELD=VALUE; the value is JSON, or else text: schedule='? 0 * * * *'. May be repeated.")
    var set: [String]

    func run() async throws {
        let patch = JSONPatch(
            try set.map(FieldAssignment.init).map { field in
                .init(path: field.name.hasPrefix("/") ? field.name : "/" + field.name, value: field.value)
            })
        let client = try options.client()
        try await integratorAnswer { () throws(IntegratorFailure) in try await client.patchFlow(id, patch) }
        if options.json { return Terminal.output.write(jsonLine(patch.json)) }
        Terminal.output.write("Changed \(counted(patch.replacements.count, "field")) of flow \(id).\n")
    }
}

struct IntegratorFlowReplaceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replace", abstract: "Replaces a flow by a whole new definition.",
        discussion: "integrator.io erases what the definition leaves out, sources and steps included. What would be "
            + "erased is shown first, and needs a yes or --yes.")

    @OptionGroup var options: IntegratorOptions
    @Argument(help: "The flow's ID.") var id: String
    @Option(help: "JSON file with the definition; - is standard input.") var file: String
    @Flag(help: "Erase what the definition leaves out, without asking.") var yes = false

    func run() async throws {
        let definition = try jsonDocument(file)
        guard case .record = definition else { throw CommandFailure(.badInput, "\(file): a flow is a JSON object") }
        let client = try options.client()
        let current = try await integratorAnswer { () throws(IntegratorFailure) in try await client.describedFlow(id) }
        let difference = FlowReplacement(current: current.json, new: definition)
        Self.show(difference)
        // Something that is erased cannot come from a slip of the hand.
        guard difference.erased.isEmpty || yes || (file != "-" && isConfirmed("Erase these?")) else {
            throw CommandFailure(
                .badInput,
                "nothing was changed: \(counted(difference.erased.count, "field")) would be erased; add --yes if "
                    + "that is meant, or change single fields with `flow patch`")
        }
        let answer = try await integratorAnswer { () throws(IntegratorFailure) in
            try await client.replaceFlow(id, erasingTheRest: definition)
        }
        Terminal.output.write(options.json ? jsonLine(answer) : Array("Replaced flow \(id).\n".utf8))
    }

    private static func show(_ difference: FlowReplacement) {
        for field in difference.erased { Terminal.error.write("erased   \(field)\n") }
        for field in difference.changed { Terminal.error.write("changed  \(field)\n") }
        for field in difference.added { Terminal.error.write("added    \(field)\n") }
    }
}

struct IntegratorFlowCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Makes a flow of a definition.")

    @OptionGroup var options: IntegratorOptions
    @Option(help: "JSON file with the definition; - is standard input.") var file: String

    func run() async throws {
        let definition = try jsonDocument(file)
        let client = try options.client()
        let made = try await integratorAnswer { () throws(IntegratorFailure) in try await client.createFlow(definition)
        }
        let id = IntegratorFlow(made)?.id ?? "(without an ID)"
        Terminal.output.write(options.json ? jsonLine(made) : Array("Made flow \(id).\n".utf8))
    }
}

struct IntegratorFlowDeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "delete", abstract: "Deletes a flow.")

    @OptionGroup var options: IntegratorOptions
    @Argument(help: "The flow's ID.") var id: String
    @Flag(help: "Do not ask.") var yes = false

    func run() async throws {
        let client = try options.client()
        let flow = try await integratorAnswer { () throws(IntegratorFailure) in try await client.flow(id) }
        guard yes || isConfirmed("Delete flow '\(flow.name.printable)' (\(id))?") else {
            throw CommandFailure(.badInput, "flow '\(flow.name.printable)' was not deleted; add --yes to do it")
        }
        try await integratorAnswer { () throws(IntegratorFailure) in try await client.deleteFlow(id) }
        if options.json {
            return Terminal.output.write(jsonLine(.record(["id": .string(id), "deleted": .bool(true)])))
        }
        Terminal.output.write("Deleted flow '\(flow.name.printable)' (\(id)).\n")
    }
}

struct IntegratorCloneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clone", abstract: "Copies a flow.",
        discussion: "Connections that --map does not name are used by the copy as well.")

    @OptionGroup var options: IntegratorOptions
    @Argument(help: "The flow's ID.") var id: String
    @Option(help: "The integration that the copy goes to.") var integration: String
    @Option(help: "The copy's name.") var name: String?
    @Option(help: "OLD=NEW: a connection and the one that the copy uses instead. May be repeated.") var map: [String] =
        []

    func run() async throws {
        var clone = FlowClone(integration: integration, name: name)
        for text in map {
            let pair = text.split(separator: "=").map(String.init)
            guard pair.count == 2 else { throw CommandFailure(.badInput, "--map '\(text)' is not OLD=NEW") }
            clone.connections[pair[0]] = pair[1]
        }
        let client = try options.client()
        let answer = try await integratorAnswer { () throws(IntegratorFailure) in
            try await client.clone(flow: id, clone)
        }
        let made = IntegratorClient.clonedFlow(answer) ?? "(without an ID)"
        Terminal.output.write(options.json ? jsonLine(answer) : Array("Made flow \(made).\n".utf8))
    }
}
