import ArgumentParser
import Events
import IntegratorIO

struct IntegratorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "integrator", abstract: "Looks at Celigo integrator.io, runs its flows and follows them.",
        discussion: "Address and token are those of the destination of kind integrator in the rule files.",
        subcommands: [
            IntegratorTokenCommand.self, IntegratorFlowsCommand.self, IntegratorFlowCommand.self,
            IntegratorRunCommand.self, IntegratorProveWindowCommand.self, IntegratorEnableCommand.self,
            IntegratorDisableCommand.self, IntegratorCloneCommand.self, IntegratorJobsCommand.self,
            IntegratorJobCommand.self, IntegratorErrorsCommand.self, IntegratorRetryCommand.self,
            IntegratorResolveCommand.self, IntegratorAuditCommand.self, IntegratorDependenciesCommand.self,
            IntegratorListCommand.self, IntegratorGetCommand.self, IntegratorInvokeCommand.self,
            IntegratorStateCommand.self,
        ])
}

struct IntegratorTokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Checks the API token and shows its scope.")

    @OptionGroup var options: IntegratorOptions

    func run() async throws {
        let client = try options.client()
        let info = try await integratorAnswer { () throws(IntegratorFailure) in try await client.tokenInfo() }
        if options.json {
            return Terminal.output.write(
                jsonLine(
                    .record([
                        "baseUrl": .string(client.settings.baseURL), "scope": .string(info.scope),
                        "user": info.user.map(Value.string) ?? .null,
                    ])))
        }
        let scope = info.scope.isEmpty ? "restricted" : info.scope == "*" ? "full access" : info.scope
        Terminal.output.write("The token works at \(client.settings.baseURL). Scope: \(scope).\n")
    }
}
