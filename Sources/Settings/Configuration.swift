import Events

/// What `sluice.yaml` says, checked. Secrets are still references; paths are absolute, or relative to the working
/// folder.
package struct Configuration: Sendable, Equatable {
    package var orgs: [OrgConfiguration]
    /// The folder of rule files.
    package var rulesPath: String
    package var storePath: String
    package var log: LogConfiguration
    package var console: ConsoleConfiguration
    package var store = StoreConfiguration()
    package var alerts: AlertConfiguration?

    package init(
        orgs: [OrgConfiguration], rulesPath: String, storePath: String, log: LogConfiguration,
        console: ConsoleConfiguration = ConsoleConfiguration()
    ) {
        self.orgs = orgs
        self.rulesPath = rulesPath
        self.storePath = storePath
        self.log = log
        self.console = console
    }
}

/// Where monitoring may ask for `/metrics`, `/healthz` and `/readyz`.
package struct ConsoleConfiguration: Sendable, Equatable {
    package struct Address: Sendable, Equatable {
        package var host: String
        package var port: Int

        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }
    }

    /// Nil: nowhere.
    package var listen: Address?

    package init(listen: Address? = nil) { self.listen = listen }
}

package struct LogConfiguration: Sendable, Equatable {
    package enum Level: String, Sendable, CaseIterable { case debug, info, notice, warning, error }
    package enum Format: String, Sendable, CaseIterable { case text, json }

    package var level = Level.info
    package var format = Format.text

    package init() {}
}

/// One org: how to sign in, where its events are, and which topics to relay.
package struct OrgConfiguration: Sendable, Equatable {
    /// The operator's name for it; part of every cursor's key.
    package var alias: String
    package var loginURL: String
    package var auth: AuthConfiguration
    package var tls: TLSConfiguration
    package var pubsub: PubSubConfiguration
    package var topics: [TopicConfiguration]
    package var sandbox: Bool?
    package var onOrgChange = OrgChangeConfiguration.stop
    package var rest = RESTConfiguration()

    package init(
        alias: String, loginURL: String, auth: AuthConfiguration, tls: TLSConfiguration = TLSConfiguration(),
        pubsub: PubSubConfiguration = PubSubConfiguration(), topics: [TopicConfiguration], sandbox: Bool? = nil
    ) {
        self.alias = alias
        self.loginURL = loginURL
        self.auth = auth
        self.tls = tls
        self.pubsub = pubsub
        self.topics = topics
        self.sandbox = sandbox
    }
}

/// How REST and sign-in connect.
package struct TLSConfiguration: Sendable, Equatable {
    package var ca: String?
    package var proxy: String?

    package init(ca: String? = nil, proxy: String? = nil) {
        self.ca = ca
        self.proxy = proxy
    }
}

/// Where and how the Pub/Sub API is reached.
package struct PubSubConfiguration: Sendable, Equatable {
    package static let defaultEndpoint = "api.pubsub.salesforce.com:443"

    package var host = "api.pubsub.salesforce.com"
    package var port = 443
    package var plaintext = false
    package var ca: String?
    package var proxy: String?
    package var watchdog: Duration = .seconds(300)
    package var window = 100

    package init() {}
}

package struct TopicConfiguration: Sendable, Equatable {
    package enum Start: String, Sendable, CaseIterable { case latest, earliest }
    package enum OnInvalidReplay: String, Sendable, CaseIterable { case earliest, latest, stop }

    package var name: String
    package var start = Start.latest
    package var onInvalidReplay = OnInvalidReplay.earliest
    /// The records that are there already are read once, before anything else.
    package var snapshot = false
    /// DeveloperName or ID of the ManagedEventSubscription by which its events are received.
    package var managed: String?

    package init(name: String) { self.name = name }
}
