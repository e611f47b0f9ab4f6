/// The names that the emulator starts with, for demo configurations and tests.
package enum EmulatorDefaults {
    package static let clientID = "emulator-client"
    package static let clientSecret = "emulator-secret"
    /// Of its user, for the password flow; a security token may follow.
    package static let salesforcePassword = "emulator-password"
    package static let organizationID = "00DDp0000000001MAA"
    /// A custom channel, of production orders and opportunities.
    package static let orderChannel = "Orders__chn"
    /// Of that channel, by its developer name.
    package static let managedSubscription = "Sluice_Orders"

    /// Accepted by FlowMate as the admin's, and by `/v1`.
    package static let flowMateToken = "emulator-flowmate-token"
    /// Of every user, for `/login`.
    package static let flowMatePassword = "emulator-password"
    package static let integratorToken = "emulator-integrator-token"

    /// Active FlowMate flows without a schedule.
    package static let flowMateOrderFlow = "65a1f0c2d3e4b5a697887701"
    package static let flowMateAccountFlow = "65a1f0c2d3e4b5a697887702"
    /// An inactive one, and one with a schedule, whose webhooks answer 404.
    package static let flowMateInactiveFlow = "65a1f0c2d3e4b5a697887703"
    package static let flowMateScheduledFlow = "65a1f0c2d3e4b5a697887704"

    /// The user `acme`, who owns them all.
    package static let flowMateUser = "65a1f0c2d3e4b5a697880002"

    /// An integrator.io flow with a delta export, one with a listener, and one that is disabled.
    package static let integratorFlow = "65b2f0c2d3e4b5a697886601"
    package static let integratorListenerFlow = "65b2f0c2d3e4b5a697886602"
    package static let integratorDisabledFlow = "65b2f0c2d3e4b5a697886603"
    package static let integratorExport = "65b2f0c2d3e4b5a697886611"
    package static let integratorListenerExport = "65b2f0c2d3e4b5a697886612"
    package static let integratorImport = "65b2f0c2d3e4b5a697886613"
    package static let integratorConnection = "65b2f0c2d3e4b5a697886621"
    package static let integratorTargetConnection = "65b2f0c2d3e4b5a697886622"
    package static let integratorIntegration = "65b2f0c2d3e4b5a697886631"
    /// In the listener's path.
    package static let listenerToken = "emulator-listener-token"

    /// `/v1/exports/<export>/<token>/data`
    package static var listenerPath: String { "/v1/exports/\(integratorListenerExport)/\(listenerToken)/data" }
}
