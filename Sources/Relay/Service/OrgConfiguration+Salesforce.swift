import Settings
import Curl
import Events
import GRPC
import Salesforce
import SalesforceREST

extension OrgConfiguration {
    package func signIn(
        loginURL: LoginURL, secrets: SecretStore, http: any HTTPClient, time: TimeSource = .system
    ) throws(SetupError) -> SignIn {
        try SignIn(
            loginURL: loginURL, credentials: try credentials(secrets), connection: tls.options, http: http,
            introspects: true, time: time)
    }

    /// What keeps the org's secrets from being read, one sentence each. Checked at load, before anything is sent.
    package func secretProblems(_ secrets: SecretStore) -> [String] {
        let references = auth.references
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
                clientID: clientID.source(secrets), clientSecret: secrets.source(clientSecret))
        case .jwtBearer(let clientID, let username, let key, let audience):
            return .jwtBearer(
                JWTCredentials(
                    clientID: clientID.source(secrets), username: username, key: secrets.source(key),
                    audience: audience))
        case .refreshToken(let refresh):
            return .refreshToken(
                RefreshCredentials(
                    clientID: refresh.clientID.source(secrets),
                    clientSecret: refresh.clientSecret.map(secrets.source),
                    store: refresh.store(org: alias, secrets)))
        case .password(let password):
            return .password(
                PasswordCredentials(
                    clientID: password.clientID.source(secrets),
                    clientSecret: secrets.source(password.clientSecret), username: password.username,
                    password: secrets.source(password.password),
                    securityToken: password.securityToken.map(secrets.source)))
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
            return .accessToken(secrets.source(reference), instanceURL: instance, orgID: orgID)
        }
    }
}

extension OrgConfiguration {
    package var restOptions: RESTOptions {
        var options = RESTOptions()
        options.version = rest.apiVersion ?? options.version
        options.clientName = rest.clientName ?? options.clientName
        options.dailyShare = Double(rest.dailyShare) / 100
        options.concurrency = rest.concurrency
        options.connection = tls.options
        return options
    }
}

extension SecretStore {
    /// Reads the secret anew each time.
    func source(_ reference: SecretReference) -> Credentials.Source { { try resolve(reference) } }
}

extension TextOrSecret {
    package func source(_ secrets: SecretStore) -> Credentials.Source {
        switch self {
        case .text(let text): { Secret(text) }
        case .reference(let reference): secrets.source(reference)
        }
    }
}

extension RefreshTokenConfiguration {
    package func store(org: String, _ secrets: SecretStore) -> TokenFile {
        TokenFile(path: tokenFile, name: org, key: secrets.source(tokenKey))
    }
}

extension TLSConfiguration {
    package var options: ConnectionOptions { ConnectionOptions(caFile: ca, proxy: proxy) }
}

extension PubSubConfiguration {
    package var endpoint: GRPCEndpoint {
        GRPCEndpoint(host: host, port: port, plaintext: plaintext, options: ConnectionOptions(caFile: ca, proxy: proxy))
    }
}

extension TopicConfiguration {
    func settings(_ pubsub: PubSubConfiguration) -> TopicSettings {
        var settings = TopicSettings(
            name: name, start: TopicSettings.Start(rawValue: start.rawValue) ?? .latest,
            onInvalidReplay: TopicSettings.InvalidReplayPolicy(rawValue: onInvalidReplay.rawValue) ?? .earliest,
            window: Int32(pubsub.window), watchdog: pubsub.watchdog)
        settings.managed = managed.map(ManagedSubscription.init)
        return settings
    }
}
