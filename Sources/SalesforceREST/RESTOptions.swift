import Curl

/// How the REST API of one org is used.
package struct RESTOptions: Sendable {
    /// The version whose answers this client knows; orgs keep serving it for years.
    package static let defaultVersion = "62.0"
    package static let defaultClientName = "Sluice"

    /// `62.0`
    package var version = defaultVersion
    /// Sent with every call; comes back in the `changeOrigin` of what a write changes, so that own echoes are known.
    package var clientName = defaultClientName
    /// Of the org's calls in 24 hours, everybody's counted: none is made beyond it. Above 0, at most 1.
    package var dailyShare = 0.5
    /// Calls at once. Salesforce allows 25 that take longer than 20 seconds, in a Developer Edition 5.
    package var concurrency = 5
    /// How long a call waits for a limit to pass before it fails.
    package var patience: Duration = .seconds(60)
    package var connection = ConnectionOptions()

    package init() {}
}
