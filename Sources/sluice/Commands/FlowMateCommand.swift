import ArgumentParser

struct FlowMateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flowmate", abstract: "Looks at FlowMate's users and flows, and starts and stops flows.",
        discussion: "Address and token are those of the destination of kind flowmate in the rule files.",
        subcommands: [
            FlowMateUsersCommand.self, FlowMateFlowsCommand.self, FlowMateFlowCommand.self, FlowMateStartCommand.self,
            FlowMateStopCommand.self, FlowMateProbeCommand.self, FlowMateExecutionsCommand.self,
            FlowMateReconcileCommand.self, FlowMateMapCommand.self, FlowMateImpersonateCommand.self,
            FlowMateLoginCommand.self, FlowMateTokenCommand.self,
        ])
}
