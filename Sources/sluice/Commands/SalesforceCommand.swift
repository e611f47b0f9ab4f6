import ArgumentParser

struct SalesforceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "salesforce",
        abstract: "Signs in to Salesforce, and reads, writes, describes and publishes by hand.",
        discussion: """
            Uses the orgs of sluice.yaml. Calls of the REST API count against the org's daily limit, of which \
            rest.dailyShare is never exceeded. What is written carries rest.clientName, so that rules know it again.
            """,
        subcommands: [
            SalesforceQueryCommand.self, SalesforceSearchCommand.self, SalesforceGetCommand.self,
            SalesforceChangedCommand.self, SalesforceCreateCommand.self, SalesforceUpdateCommand.self,
            SalesforceUpsertCommand.self, SalesforceDeleteCommand.self, SalesforceTreeCommand.self,
            SalesforceCompositeCommand.self, SalesforceDescribeCommand.self, SalesforceEventSchemaCommand.self,
            SalesforceTopicsCommand.self, SalesforcePublishCommand.self, SalesforceLimitsCommand.self,
            SalesforceVersionsCommand.self,
            SalesforceLoginCommand.self, SalesforceLogoutCommand.self,
        ])
}
