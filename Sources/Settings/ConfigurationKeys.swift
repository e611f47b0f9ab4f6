import Documents

/// Every key of `sluice.yaml`: checking, messages and the JSON Schema share this one declaration.
enum ConfigurationKeys {
    static let file = KeyTable(
        "sluice.yaml",
        [
            Key("orgs", .map(.name, .table(org)), required: true, "The Salesforce orgs, by a name of your choice."),
            Key("rules", .text, default: "rules", "Folder of rule files, relative to this file."),
            Key("store", .table(StoreKeys.store), "Where events, cursors and deliveries are kept."),
            Key("alerts", .table(StoreKeys.alerts), "Who is told about possible gaps."),
            Key("log", .table(log), "What is logged, and how."),
            Key("console", .table(console), "What monitoring may ask over HTTP."),
        ])

    static let org = KeyTable(
        "an org",
        [
            Key("loginUrl", .text, required: true, "My Domain address, https://MyDomainName.my.salesforce.com."),
            Key("auth", .table(AuthKeys.auth), required: true, "How to sign in."),
            Key("topics", .list(.shapes([.text, .table(topic)]), mayBeEmpty: false), required: true, "What to relay."),
            Key("tls", .table(tls), "For sign-in and REST."),
            Key("rest", .table(AuthKeys.rest), "For the REST API."),
            Key("pubsub", .table(pubsub), "For the Pub/Sub API."),
            Key("sandbox", .bool, "Whether it is a sandbox; by default its address tells."),
        ])

    static let topic = KeyTable(
        "a topic",
        [
            Key("name", .text, required: true, "For example /data/ChangeEvents."),
            Key("start", .word(TopicConfiguration.Start.allCases.map(\.rawValue)), default: "latest",
                "Where the first subscription starts."),
            Key("onInvalidReplay", .word(TopicConfiguration.OnInvalidReplay.allCases.map(\.rawValue)),
                default: "earliest", "Where to go on when Salesforce no longer knows the stored replay ID."),
            Key("managed", .text, "DeveloperName or ID of a ManagedEventSubscription of this topic, to receive it by that."),
            Key("snapshot", .bool, default: "false", "Read the records that are there already, once, and relay them."),
        ])

    static let tls = KeyTable(
        "tls",
        [
            Key("ca", .text, "PEM file that replaces the system's authorities."),
            Key("proxy", .url, "HTTP proxy; by default the environment's."),
        ])

    static let pubsub = KeyTable(
        "pubsub",
        [
            Key("endpoint", .text, default: PubSubConfiguration.defaultEndpoint, "host:port of the Pub/Sub API."),
            Key("plaintext", .bool, default: "false", "HTTP/2 without TLS: loopback only, for the emulator."),
            Key("ca", .text, "PEM file that replaces the system's authorities."),
            Key("proxy", .url, "HTTP proxy (CONNECT); by default the environment's."),
            Key("watchdog", .duration, default: "300s", "Silence after which a stream counts as dead."),
            Key("window", .integer(1...100), default: "100", "Events outstanding at most, per topic."),
        ])

    static let console = KeyTable(
        "console",
        [
            Key("listen", .text, "host:port for /metrics, /healthz and /readyz, such as 127.0.0.1:9090; off by default.")
        ])

    static let log = KeyTable(
        "log",
        [
            Key("level", .word(LogConfiguration.Level.allCases.map(\.rawValue)), default: "info", "The least severe."),
            Key("format", .word(LogConfiguration.Format.allCases.map(\.rawValue)), default: "text", "text or json."),
        ])
}
