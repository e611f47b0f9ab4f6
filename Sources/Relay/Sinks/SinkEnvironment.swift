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

    package init(
        http: any HTTPClient, clock: TimeSource, version: String, secrets: SecretStore, logger: Logger
    ) {
        self.http = http
        self.clock = clock
        self.version = version
        self.secrets = secrets
        self.logger = logger
    }

    var userAgent: String { "Sluice/\(version)" }
}
