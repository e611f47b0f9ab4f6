import Events

/// How an emulator is started. Everything listens on 127.0.0.1 only.
package struct EmulatorOptions: Sendable {
    /// 0: any free port.
    package var httpPort = 0
    /// What is emulated.
    package var only = Set(EmulatedService.allCases)
    package var grpcPort = 0
    /// The same seed and times give the same feed.
    package var seed: UInt64 = 1
    /// Transactions of the built-in feed per second; 0 for none.
    package var rate: Double = 0
    /// An idle subscription gets an empty response this often.
    package var keepalive: Duration = .seconds(60)
    /// A subscription without credit is reset after this.
    package var zeroCredit: Duration = .seconds(60)
    package var retention: Duration = .seconds(72 * 3600)
    package var clientID = EmulatorDefaults.clientID
    package var clientSecret = EmulatorDefaults.clientSecret
    package var organizationID = EmulatorDefaults.organizationID
    /// A token that is always good, for clients that bring their own.
    package var accessToken: String?
    /// Topics without permission to subscribe.
    package var forbiddenTopics: Set<String> = []
    package var flowMateToken = EmulatorDefaults.flowMateToken
    package var integratorToken = EmulatorDefaults.integratorToken
    /// A script file, run once from the start.
    package var script: String?
    package var clock: TimeSource = .system

    package init() {}
}
