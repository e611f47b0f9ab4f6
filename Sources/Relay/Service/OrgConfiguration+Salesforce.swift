import Settings
import Curl
import Events
import GRPC
import Salesforce

extension OrgConfiguration {
    package func signIn(
        loginURL: LoginURL, secrets: SecretStore, http: any HTTPClient
    ) throws(SetupError) -> SignIn {
        try SignIn(loginURL: loginURL, credentials: try credentials(secrets), connection: tls.options, http: http)
    }

    /// What keeps the org's secrets from being read, one sentence each. Checked at load, before anything is sent.
    package func secretProblems(_ secrets: SecretStore) -> [String] {
        let references: [SecretReference] =
            switch auth {
            case .clientCredentials(.reference(let clientID), let clientSecret): [clientID, clientSecret]
            case .clientCredentials(.text, let clientSecret): [clientSecret]
            case .accessToken(let token, _, _): [token]
            }
        return references.compactMap { reference in
            do throws(SecretError) {
                _ = try secrets.resolve(reference)
                return nil
            } catch {
                return "org \(alias): \(error). Set it in the environment, in .env beside sluice.yaml, or in that file."
            }
        }
    }

    private func credentials(_ secrets: SecretStore) throws(SetupError) -> Credentials {
        switch auth {
        case .clientCredentials(let clientID, let clientSecret):
            return .clientCredentials(
                clientID: {
                    switch clientID {
                    case .text(let text): Secret(text)
                    case .reference(let reference): try secrets.resolve(reference)
                    }
                }, clientSecret: { try secrets.resolve(clientSecret) })
        case .accessToken(let reference, let instanceURL, let tenantID):
            var orgID: OrgID?
            if let tenantID {
                orgID = OrgID(tenantID)
                if orgID == nil {
                    throw SetupError(
                        "tenantId '\(tenantID)' is not an org ID",
                        fix: "It has 15 or 18 characters and starts with 00D (Setup > Company Information).")
                }
            }
            let instance = try instanceURL.map { text throws(SetupError) in try LoginURL(text).description }
            return .accessToken({ try secrets.resolve(reference) }, instanceURL: instance, orgID: orgID)
        }
    }
}

extension TLSConfiguration {
    var options: ConnectionOptions { ConnectionOptions(caFile: ca, proxy: proxy) }
}

extension PubSubConfiguration {
    package var endpoint: GRPCEndpoint {
        GRPCEndpoint(host: host, port: port, plaintext: plaintext, options: ConnectionOptions(caFile: ca, proxy: proxy))
    }
}

extension TopicConfiguration {
    func settings(_ pubsub: PubSubConfiguration) -> TopicSettings {
        TopicSettings(
            name: name, start: TopicSettings.Start(rawValue: start.rawValue) ?? .latest,
            onInvalidReplay: TopicSettings.InvalidReplayPolicy(rawValue: onInvalidReplay.rawValue) ?? .earliest,
            window: Int32(pubsub.window), watchdog: pubsub.watchdog)
    }
}
