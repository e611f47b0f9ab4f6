import Documents
import Events

/// A checked tree → the configuration. What the key tables cannot say is checked here.
struct ConfigurationDecoder {
    let findings: FindingList
    /// Ends with a slash, or is empty.
    let folder: String

    private var auth: AuthDecoder { AuthDecoder(findings: findings, folder: folder) }

    // MARK: Checks beyond the tables

    func check(_ root: YAMLNode) {
        for org in root["orgs"]?.entries ?? [] {
            if let auth = org.value.entry("auth") { self.auth.check(auth) }
            if let rest = org.value["rest"] { auth.checkREST(rest) }
            if let endpoint = org.value["pubsub"]?["endpoint"] { checkEndpoint(endpoint) }
            checkTopics(org.value["topics"]?.elements ?? [])
            checkPlaintext(org.value)
        }
        if let listen = root["console"]?["listen"] { checkListen(listen) }
    }

    /// Names and numbers only, but whoever reaches the address reads them.
    private func checkListen(_ node: YAMLNode) {
        guard let text = node.scalar?.text else { return }
        guard let address = Self.endpoint(text), text.contains(":"), !text.hasSuffix("]") else {
            findings.report(.badValue, at: node, "\(node.kindInWords) is not host:port", hint: "such as 127.0.0.1:9090")
            return
        }
        guard !Self.isLoopback(address.host) else { return }
        findings.report(
            .badValue, .warning, at: node, "whoever reaches \(address.host) can read topics, rules and numbers there",
            hint: "127.0.0.1 is for this machine alone")
    }

    private func checkEndpoint(_ node: YAMLNode) {
        guard let text = node.scalar?.text, Self.endpoint(text) == nil else { return }
        findings.report(
            .badValue, at: node, "\(node.kindInWords) is not host:port", hint: Self.endpointHint(text))
    }

    /// Of an address as others are written.
    private static func endpointHint(_ text: String) -> String {
        guard let scheme = text.firstRange(of: "://"), endpoint(String(text[scheme.upperBound...])) != nil else {
            return "the default is \(PubSubConfiguration.defaultEndpoint)"
        }
        let isPlain = text[..<scheme.lowerBound] == "http"
        return "write \(text[scheme.upperBound...])\(isPlain ? ", and plaintext: true for one on this machine without TLS" : "")"
    }

    private func checkPlaintext(_ org: YAMLNode) {
        guard let pubsub = org["pubsub"], pubsub.bool("plaintext"), let node = pubsub["plaintext"] else { return }
        // An endpoint that cannot be read was reported, and says nothing about its host.
        let given = pubsub.text("endpoint") ?? PubSubConfiguration.defaultEndpoint
        guard let host = Self.endpoint(given)?.host, !Self.isLoopback(host) else { return }
        findings.report(
            .badValue, at: node, "plaintext would send the access token to \(host) unencrypted",
            hint: "plaintext is for loopback addresses")
    }

    private func checkTopics(_ topics: [YAMLNode]) {
        var seen: [String: SourcePosition] = [:]
        for topic in topics {
            guard let node = topic.isMap ? topic["name"] : topic, let name = node.scalar?.text, !name.isEmpty else {
                continue
            }
            if !name.hasPrefix("/data/"), !name.hasPrefix("/event/") {
                findings.report(
                    .badValue, at: node, "\(node.kindInWords) is not a topic",
                    hint: "topics start with /data/ (change events) or /event/ (platform events)")
            } else if let first = seen[name] {
                findings.report(
                    .duplicateID, at: node, "topic \(node.kindInWords) is also listed at line \(first.line)")
            }
            seen[name] = seen[name] ?? node.position
            if topic.isMap, topic.bool("snapshot"), !name.hasSuffix("ChangeEvent") {
                findings.report(
                    .badValue, at: topic["snapshot"] ?? node, "\(name) carries several objects, or none",
                    hint: "snapshot is for the topic of one object; `sluice backfill --entity` reads any")
            }
        }
    }

    // MARK: Reading

    func decode(_ root: YAMLNode) -> Configuration {
        var log = LogConfiguration()
        log.level = word(root["log"], "level") ?? log.level
        log.format = word(root["log"], "format") ?? log.format
        var configuration = Configuration(
            orgs: (root["orgs"]?.entries ?? []).map { org($0.key, $0.value) },
            rulesPath: resolved(root.text("rules") ?? "rules"),
            storePath: resolved(root["store"]?.text("path") ?? "sluice.db"), log: log,
            console: ConsoleConfiguration(
                listen: root["console"]?.text("listen").flatMap(Self.endpoint).map {
                    ConsoleConfiguration.Address(host: $0.host, port: $0.port)
                }))
        configuration.store = StoreConfiguration(root["store"])
        configuration.alerts = AlertConfiguration(root["alerts"])
        return configuration
    }

    private func org(_ alias: String, _ node: YAMLNode) -> OrgConfiguration {
        var org = OrgConfiguration(
            alias: alias, loginURL: node.text("loginUrl") ?? "", auth: auth.auth(node["auth"], org: alias),
            tls: TLSConfiguration(ca: node["tls"]?.text("ca").map(resolved), proxy: node["tls"]?.text("proxy")),
            pubsub: pubsub(node["pubsub"]), topics: (node["topics"]?.elements ?? []).map(topic),
            sandbox: node.text("sandbox").map { $0 == "true" })
        org.onOrgChange = word(node["auth"], "onOrgChange") ?? org.onOrgChange
        org.rest = auth.rest(node["rest"])
        return org
    }

    private func pubsub(_ node: YAMLNode?) -> PubSubConfiguration {
        var configuration = PubSubConfiguration()
        guard let node else { return configuration }
        if let endpoint = node.text("endpoint").flatMap(Self.endpoint) {
            configuration.host = endpoint.host
            configuration.port = endpoint.port
        }
        configuration.plaintext = node.bool("plaintext")
        configuration.ca = node.text("ca").map(resolved)
        configuration.proxy = node.text("proxy")
        if let watchdog = node.milliseconds("watchdog") { configuration.watchdog = .milliseconds(watchdog) }
        configuration.window = node.integer("window") ?? configuration.window
        return configuration
    }

    private func topic(_ node: YAMLNode) -> TopicConfiguration {
        var topic = TopicConfiguration(name: node.scalar?.text ?? node.text("name") ?? "")
        topic.start = word(node, "start") ?? topic.start
        topic.onInvalidReplay = word(node, "onInvalidReplay") ?? topic.onInvalidReplay
        topic.snapshot = node.bool("snapshot")
        topic.managed = node.text("managed")
        return topic
    }

    private func word<Word: RawRepresentable<String>>(_ node: YAMLNode?, _ key: String) -> Word? {
        node?.text(key).flatMap(Word.init(rawValue:))
    }

    private func resolved(_ path: String) -> String { path.hasPrefix("/") ? path : folder + path }

    /// `host:port` or `[::1]:port`; without a port it is 443.
    private static func endpoint(_ text: String) -> (host: String, port: Int)? {
        var host = Substring(text)
        var port = Substring("443")
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { return nil }
            if !rest.isEmpty { port = rest.dropFirst() }
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
        }
        guard !host.isEmpty, !host.contains("/"), let number = Int(port), (1...65535).contains(number) else {
            return nil
        }
        return (String(host), number)
    }

    private static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1"
            || (host.hasPrefix("127.") && host.split(separator: ".").allSatisfy { UInt8($0) != nil })
    }
}
