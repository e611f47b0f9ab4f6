import ArgumentParser

struct RulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules", abstract: "Checks, tests, tries and explains rules.",
        subcommands: [
            RulesLintCommand.self, RulesTestCommand.self, RulesExplainCommand.self, RulesEvalCommand.self,
            RulesReloadCommand.self, RulesDryRunCommand.self, RulesSchemaCommand.self, RulesInitCommand.self,
        ])
}
