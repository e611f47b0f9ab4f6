import Curl
import Events
import Logging
import Salesforce
import Settings
import Store

/// What all orgs of a process share.
package struct RelayParts: Sendable {
    package var store: Store
    package var outbox: Outbox
    package var rules: CurrentRules
    package var http: any HTTPClient
    package var pubsub: @Sendable (OrgConfiguration) -> any PubSubConnection
    package var secrets: SecretStore
    package var time: TimeSource
    package var monitor: RelayMonitor
    package var replayOrgs: ReplayOrgs
    package var replays: ReplayService
    package var topics: TopicSwitch
    package var flows: FlowFinder
    package var gate: QuarantineGate
    package var alerts: LossAlerts?
    package var backfills: BackfillService
    package var salesforceOrgs: SalesforceOrgs
    /// The names of all orgs in the configuration.
    package var orgNames: Set<String>
    package var log: Logger
}
