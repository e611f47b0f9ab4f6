import ArgumentParser

struct SalesforceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "salesforce",
        abstract: "Signs in to Salesforce, and reads, describes and publishes by hand.",
        discussion: """
            Uses the orgs of sluice.yaml. Calls of the REST API count against the org's daily limit, of which \
            rest.dailyShare is never exceeded.
            """,
        subcommands: [
            SalesforceQueryCommand.self, SalesforceGetCommand.self, SalesforceDescribeCommand.self,
            SalesforceLimitsCommand.self, SalesforceTopicsCommand.self, SalesforcePublishCommand.self,
            SalesforceLoginCommand.self, SalesforceLogoutCommand.self,
        ])
}
