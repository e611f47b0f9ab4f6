import Curl
import Events
import Logging

/// What every sink works with; tests put their own in its place.
package struct SinkEnvironment: Sendable {
    package var http: any HTTPClient
    package var clock: TimeSource
    /// Of Sluice, for `User-Agent`.
    package var version: String
    package var secrets: SecretStore
    package var logger: Logger
    /// Where attempts run; and the actors that they visit, so that they need not change threads.
    package var executors: ThreadExecutors

    package init(
        http: any HTTPClient, clock: TimeSource, version: String, secrets: SecretStore, logger: Logger,
        executors: ThreadExecutors = IOThread.executors
    ) {
        self.http = http
        self.clock = clock
        self.version = version
        self.secrets = secrets
        self.logger = logger
        self.executors = executors
    }

    var userAgent: String { "Sluice/\(version)" }
}
