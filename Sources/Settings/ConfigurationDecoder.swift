@testable import Rules
import Events

/// A checked tree → the configuration. What the key tables cannot say is checked here.
struct ConfigurationDecoder {
    let source: SourceText
    let findings: FindingList
    /// Ends with a slash, or is empty.
    let folder: String

    // MARK: Checks beyond the tables

    func check(_ root: YAMLNode) {
        for org in root["orgs"]?.entries ?? [] {
            if let auth = org.value.entry("auth") { checkAuth(auth) }
            if let endpoint = org.value["pubsub"]?["endpoint"] { checkEndpoint(endpoint) }
            checkTopics(org.value["topics"]?.elements ?? [])
            checkPlaintext(org.value)
        }
    }

    private func checkAuth(_ auth: YAMLNode.Entry) {
        let flows = auth.value.entries.filter { ["clientCredentials", "accessToken"].contains($0.key) }
        if flows.isEmpty, auth.value.isMap {
            report(
                .missingKey, auth.keyPosition, "auth needs one of 'clientCredentials', 'accessToken'", length: 4)
        } else if flows.count > 1 {
            report(
                .bothGiven, flows[1].keyPosition, "'\(flows[0].key)' and '\(flows[1].key)' cannot both be given",
                length: flows[1].key.count)
        }
        guard flows.first?.key == "clientCredentials" else { return }
        for entry in auth.value.entries where ["instanceUrl", "tenantId"].contains(entry.key) {
            report(
                .wrongKind, entry.keyPosition, "'\(entry.key)' is only for accessToken; the token response tells it",
                length: entry.key.count)
        }
    }

    private func checkEndpoint(_ node: YAMLNode) {
        guard let text = node.scalar?.text, Self.endpoint(text) == nil else { return }
        report(
            .badValue, node.position, "'\(text.shortened)' is not host:port", length: node.length,
            hint: "the default is \(PubSubConfiguration.defaultEndpoint)")
    }

    private func checkPlaintext(_ org: YAMLNode) {
        guard let pubsub = org["pubsub"], pubsub["plaintext"]?.scalar?.text == "true",
            let node = pubsub["plaintext"]
        else { return }
        let host = pubsub["endpoint"]?.scalar.flatMap { Self.endpoint($0.text)?.host } ?? PubSubConfiguration().host
        guard !Self.isLoopback(host) else { return }
        report(
            .badValue, node.position, "plaintext would send the access token to \(host) unencrypted",
            length: node.length, hint: "plaintext is for loopback addresses")
    }

    private func checkTopics(_ topics: [YAMLNode]) {
        var seen: [String: SourcePosition] = [:]
        for topic in topics {
            guard let node = topic.isMap ? topic["name"] : topic, let name = node.scalar?.text, !name.isEmpty else {
                continue
            }
            if !name.hasPrefix("/data/"), !name.hasPrefix("/event/") {
                report(
                    .badValue, node.position, "'\(name.shortened)' is not a topic", length: node.length,
                    hint: "topics start with /data/ (change events) or /event/ (platform events)")
            } else if let first = seen[name] {
                report(
                    .duplicateID, node.position, "topic '\(name)' is also listed at line \(first.line)",
                    length: node.length)
            }
            seen[name] = seen[name] ?? node.position
        }
    }

    // MARK: Reading

    func decode(_ root: YAMLNode) -> Configuration {
        var log = LogConfiguration()
        log.level = word(root["log"]?["level"]) ?? log.level
        log.format = word(root["log"]?["format"]) ?? log.format
        return Configuration(
            orgs: (root["orgs"]?.entries ?? []).map { org($0.key, $0.value) },
            rulesPath: resolved(text(root["rules"]) ?? "rules"),
            storePath: resolved(text(root["store"]?["path"]) ?? "sluice.db"), log: log)
    }

    private func org(_ alias: String, _ node: YAMLNode) -> OrgConfiguration {
        OrgConfiguration(
            alias: alias, loginURL: text(node["loginUrl"]) ?? "", auth: auth(node["auth"]),
            tls: TLSConfiguration(ca: file(node["tls"]?["ca"]), proxy: text(node["tls"]?["proxy"])),
            pubsub: pubsub(node["pubsub"]), topics: (node["topics"]?.elements ?? []).map(topic),
            sandbox: text(node["sandbox"]).map { $0 == "true" })
    }

    private func auth(_ node: YAMLNode?) -> AuthConfiguration {
        if let credentials = node?["clientCredentials"] {
            let clientID = credentials["clientId"]
            return .clientCredentials(
                clientID: text(clientID).map(TextOrSecret.text) ?? .reference(secret(clientID)),
                clientSecret: secret(credentials["clientSecret"]))
        }
        return .accessToken(
            secret(node?["accessToken"]), instanceURL: text(node?["instanceUrl"]), tenantID: text(node?["tenantId"]))
    }

    private func pubsub(_ node: YAMLNode?) -> PubSubConfiguration {
        var configuration = PubSubConfiguration()
        if let endpoint = text(node?["endpoint"]).flatMap(Self.endpoint) {
            configuration.host = endpoint.host
            configuration.port = endpoint.port
        }
        configuration.plaintext = text(node?["plaintext"]) == "true"
        configuration.ca = file(node?["ca"])
        configuration.proxy = text(node?["proxy"])
        if let milliseconds = text(node?["watchdog"]).flatMap(DurationText.milliseconds) {
            configuration.watchdog = .milliseconds(milliseconds)
        }
        if let window = text(node?["window"]).flatMap({ Int($0) }) { configuration.window = window }
        return configuration
    }

    private func topic(_ node: YAMLNode) -> TopicConfiguration {
        var topic = TopicConfiguration(name: text(node) ?? text(node["name"]) ?? "")
        topic.start = word(node["start"]) ?? topic.start
        topic.onInvalidReplay = word(node["onInvalidReplay"]) ?? topic.onInvalidReplay
        return topic
    }

    private func secret(_ node: YAMLNode?) -> SecretReference {
        if let name = text(node?["env"]) { return .env(name) }
        return .file(text(node?["file"]) ?? "")
    }

    private func text(_ node: YAMLNode?) -> String? { node?.scalar?.text }

    private func file(_ node: YAMLNode?) -> String? { text(node).map(resolved) }

    private func word<Word: RawRepresentable<String>>(_ node: YAMLNode?) -> Word? {
        text(node).flatMap(Word.init(rawValue:))
    }

    private func resolved(_ path: String) -> String { path.hasPrefix("/") ? path : folder + path }

    private func report(
        _ code: FindingCode, _ position: SourcePosition, _ message: String, length: Int, hint: String? = nil
    ) {
        findings.report(code, in: source, at: position, length: length, message, hint: hint)
    }

    /// `host:port`, `[::1]:port`; the port may be left out.
    private static func endpoint(_ text: String) -> (host: String, port: Int)? {
        let parts = text.hasPrefix("[") ? nil : text.split(separator: ":", omittingEmptySubsequences: false)
        if let parts {
            guard parts.count <= 2, let host = parts.first, !host.isEmpty, !host.contains("/") else { return nil }
            guard parts.count == 2 else { return (String(host), 443) }
            return Int(parts[1]).flatMap { (1...65535).contains($0) ? (String(host), $0) : nil }
        }
        guard let end = text.firstIndex(of: "]") else { return nil }
        let host = String(text[text.index(after: text.startIndex)..<end])
        let rest = text[text.index(after: end)...]
        if rest.isEmpty { return (host, 443) }
        return Int(rest.dropFirst()).flatMap { (1...65535).contains($0) ? (host, $0) : nil }
    }

    private static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1"
            || (host.hasPrefix("127.") && host.split(separator: ".").allSatisfy { UInt8($0) != nil })
    }
}
