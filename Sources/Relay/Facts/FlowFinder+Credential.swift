import FlowMate
import Rules

/// The tokens that flows are read with: looked up again, since an operator may correct one while the relay runs, and kept
/// from expiring. Sinks have their own.
extension FlowFinder {
    /// Between two looks whether a token was replaced.
    static let credentialMilliseconds: Int64 = 5_000
    /// Tokens live some hours since they were last used, and webhooks do not use them.
    static let keepAliveMilliseconds: Int64 = 3_600_000

    /// Takes up a token that is another one than before. What failed with the old one is tried again at once.
    func renewCredential(_ name: String, _ definition: Destination) {
        guard let entry = entries[name], now - entry.lookedAt >= Self.credentialMilliseconds else { return }
        entries[name]?.lookedAt = now
        let parts = DestinationParts(definition, secrets: environment.secrets)
        // A file that is just being replaced: what is known serves until it can be read.
        guard parts.findings.isEmpty else { return }
        let settings = parts.flowMate(definition, environment)
        guard settings.credential != entry.client.settings.credential else { return }
        entries[name]?.client = FlowMateClient(settings: settings, http: environment.http)
        entries[name]?.failedReads = [:]
        entries[name]?.directory.mayScanAgain()
        if entry.timer != nil { arm(name) }
        environment.logger.info("\(name): its token was replaced; flows are read with the new one")
    }

    /// Puts off the expiry of each destination's token.
    func keepTokensAlive() async {
        for destination in rules.current.destinations.values where destination.kind == .flowmate {
            let name = destination.name
            if let last = keptAliveAt[name], now - last < Self.keepAliveMilliseconds { continue }
            keptAliveAt[name] = now
            guard (try? await open(name)) != nil, let client = entries[name]?.client, client.settings.credential != nil
            else { continue }
            do throws(FlowMateError) {
                _ = try await client.refreshToken()
            } catch {
                // Not every FlowMate has this call, and tokens that never expire need none.
                environment.logger.debug("\(name): \(error)")
            }
        }
    }
}
