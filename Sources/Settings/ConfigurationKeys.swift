import Documents

/// Every key of `sluice.yaml`: checking, messages and the JSON Schema share this one declaration.
enum ConfigurationKeys {
    static let file = KeyTable(
        "sluice.yaml",
        [
            Key("orgs", .map(.name, .table(org)), required: true, "The Salesforce orgs, by a name of your choice."),
            Key("rules", .text, default: "rules", "Folder of rule files, relative to this file."),
            Key("store", .table(store), "Where events, cursors and deliveries are kept."),
            Key("log", .table(log), "What is logged, and how."),
        ])

    static let org = KeyTable(
        "an org",
        [
            Key("loginUrl", .text, required: true, "My Domain address, https://MyDomainName.my.salesforce.com."),
            Key("auth", .table(auth), required: true, "How to sign in."),
            Key("topics", .list(.shapes([.text, .table(topic)]), mayBeEmpty: false), required: true, "What to relay."),
            Key("tls", .table(tls), "For sign-in and REST."),
            Key("pubsub", .table(pubsub), "For the Pub/Sub API."),
            Key("sandbox", .bool, "Whether it is a sandbox; by default its address tells."),
        ])

    static let auth = KeyTable(
        "auth",
        [
            Key("clientCredentials", .table(clientCredentials), "The OAuth 2.0 client credentials flow."),
            Key("accessToken", .secret, "A token that something else obtains and renews."),
            Key("instanceUrl", .text, "With accessToken; by default loginUrl."),
            Key("tenantId", .text, "With accessToken: the org ID; by default userinfo is asked."),
        ])

    static let clientCredentials = KeyTable(
        "clientCredentials",
        [
            Key("clientId", .shapes([.text, .secret]), required: true, "The app's Consumer Key."),
            Key("clientSecret", .secret, required: true, "The app's Consumer Secret."),
        ])

    static let topic = KeyTable(
        "a topic",
        [
            Key("name", .text, required: true, "For example /data/ChangeEvents."),
            Key("start", .word(TopicConfiguration.Start.allCases.map(\.rawValue)), default: "latest",
                "Where the first subscription starts."),
            Key("onInvalidReplay", .word(TopicConfiguration.OnInvalidReplay.allCases.map(\.rawValue)),
                default: "earliest", "Where to go on when Salesforce no longer knows the stored replay ID."),
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

    static let store = KeyTable("store", [Key("path", .text, default: "sluice.db", "Relative to this file.")])

    static let log = KeyTable(
        "log",
        [
            Key("level", .word(LogConfiguration.Level.allCases.map(\.rawValue)), default: "info", "The least severe."),
            Key("format", .word(LogConfiguration.Format.allCases.map(\.rawValue)), default: "text", "text or json."),
        ])
}
