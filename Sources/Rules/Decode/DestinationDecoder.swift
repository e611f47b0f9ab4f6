import Documents
import Events

/// A destination's map → `Destination`, with the checks that need more than one key.
struct DestinationDecoder {
    let entry: YAMLNode.Entry
    let findings: FindingList

    private var node: YAMLNode { entry.value }

    /// - Returns: nil when its kind or address is missing; a finding says so.
    func decode() -> Destination? {
        guard node.isMap else { return nil }
        let kind = node.text("kind").flatMap(Destination.Kind.init)
        if let kind { checkKinds(kind) }
        checkTLS()
        checkProxy()
        let url = kind.flatMap(url)
        // Without the one or the other, what does not depend on them is told all the same.
        var destination = Destination(name: entry.key, kind: kind ?? .webhook, url: url ?? "")
        destination.org = node.text("org") ?? ""
        destination.client = node.text("client") ?? Destination.defaultClient
        destination.auth = node["auth"].flatMap(auth)
        checkOAuth2(destination.kind)
        destination.sign = node.entry("sign").flatMap(signing)
        if destination.kind == .flowmate, case .hmac(_, .hex, _, _, _)? = destination.sign,
            let encoding = node["sign"]?.entry("encoding")
        {
            findings.report(
                .badValue, at: encoding.value, "FlowMate compares the signature in base64, so that hex is always refused",
                hint: "encoding: base64")
        }
        destination.listeners = listeners()
        destination.tls = tls()
        destination.proxy = node.text("proxy")
        destination.headers = headers()
        if let timeout = node.milliseconds("timeout") { destination.timeout = .milliseconds(timeout) }
        concurrency(&destination)
        destination.rate = node.text("rate").flatMap(RateText.perSecond)
        destination.allowHttp = node.bool("allowHttp")
        destination.allowPrivate = node.bool("allowPrivate")
        PlatformSettings(node: node, findings: findings).read(into: &destination)
        destination.hasTrailingSlash = kind == .webhook && node.text("url").map(Self.endsWithSlash) ?? false
        return kind == nil || url == nil ? nil : destination
    }

    private func checkKinds(_ kind: Destination.Kind) {
        for inner in node.entries {
            guard let kinds = DestinationKeys.destination.key(inner.key)?.kinds, !kinds.contains(kind.rawValue) else {
                continue
            }
            findings.report(.wrongKind, at: inner, kind.refusal(of: inner.key, for: kinds, name: entry.key))
        }
    }

    /// A Salesforce org is called as sluice.yaml says.
    private func salesforce() -> String? {
        guard let org = node.text("org") else {
            guard !DestinationKeys.destination.isMisspelt("org", in: node) else { return nil }
            findings.report(
                .missingKey, at: entry, "a destination of kind salesforce needs 'org'",
                hint: "the name of an org in sluice.yaml")
            return nil
        }
        return "salesforce:\(org)"
    }

    private func url(_ kind: Destination.Kind) -> String? {
        if kind == .salesforce { return salesforce() }
        let key = kind == .webhook ? "url" : "baseUrl"
        guard let url = node[key] else {
            guard !DestinationKeys.destination.isMisspelt(key, in: node) else { return nil }
            findings.report(
                .missingKey, at: entry, "a destination of kind \(kind) needs '\(key)'",
                hint: kind == .webhook ? "the full URL that requests go to" : "the root of the API")
            return nil
        }
        guard let text = url.scalar?.text, URLText.afterScheme(text) != nil else { return nil }
        if URLText.isPlain(text), !node.bool("allowHttp") {
            findings.report(
                .badValue, at: url, "plain http is not allowed for '\(entry.key)'",
                hint: "write https://, or allowHttp: true for tests")
        }
        if kind != .webhook, text.contains("?") {
            findings.report(.badValue, at: url, "'\(key)' cannot have a query")
        }
        return Self.endsWithSlash(text) ? String(text.dropLast()) : text
    }

    private func concurrency(_ destination: inout Destination) {
        guard let value = node["concurrency"], !value.isBroken else { return }
        destination.adaptsConcurrency = value.scalar?.text == "auto"
        guard !destination.adaptsConcurrency else { return }
        guard let count = node.integer("concurrency"), value.scalar?.style == .plain else {
            findings.report(
                .wrongType, at: value,
                "'concurrency' must be a whole number from 1 to 256, or auto; this is \(value.kindInWords)")
            return
        }
        guard (1...256).contains(count) else {
            findings.report(.badValue, at: value, "'\(count)' is not from 1 to 256")
            return
        }
        destination.concurrency = count
    }

    private func checkOAuth2(_ kind: Destination.Kind) {
        guard let entry = node["auth"]?.entry("oauth2") else { return }
        if kind != .webhook {
            findings.report(.wrongKind, at: entry, kind.refusal(of: "oauth2", for: ["webhook"], name: self.entry.key))
        }
        guard let url = entry.value["tokenUrl"], let text = url.scalar?.text, URLText.isPlain(text),
            !node.bool("allowHttp")
        else { return }
        findings.report(
            .badValue, at: url, "plain http would show the client's secret to the network",
            hint: "write https://, or allowHttp: true for tests")
    }

    /// The slash is taken off the address; a webhook's deliveries without a path of their own put it back.
    static func endsWithSlash(_ url: String) -> Bool { url.hasSuffix("/") && !url.contains("?") }

    private func checkTLS() {
        guard let tls = node["tls"] else { return }
        for (given, needed) in [("cert", "key"), ("key", "cert")] {
            guard let entry = tls.entry(given), tls.entry(needed) == nil else { continue }
            findings.report(.missingKey, at: entry, "tls needs '\(needed)' when it has '\(given)'")
        }
    }

    private func checkProxy() {
        guard let proxy = node["proxy"], let text = proxy.scalar?.text else { return }
        if URLText.holdsUser(text) {
            findings.report(
                .secretLiteral, in: proxy.source, at: proxy.position, length: proxy.length,
                "the URL of a proxy cannot hold a user name and password",
                hint: "leave 'proxy' out, and give it in the environment: https_proxy", secret: true)
        } else if let problem = URLText.problem(text) {
            findings.report(.badValue, at: proxy, "'\(text.shortened)' is not a URL: \(problem)")
        }
    }

    private func tls() -> Destination.TLS {
        guard let tls = node["tls"] else { return Destination.TLS() }
        return Destination.TLS(ca: tls.text("ca"), cert: tls.text("cert"), key: tls.secret("key"))
    }

    private func headers() -> [DeliveryTarget.Header] {
        (node["headers"]?.entries ?? []).compactMap { entry in
            HeaderCheck(findings: findings).check(entry)
            return entry.value.scalar.map { DeliveryTarget.Header(name: entry.key, value: $0.text) }
        }
    }

    private func listeners() -> [String: Destination.Listener] {
        var listeners: [String: Destination.Listener] = [:]
        for entry in node["listeners"]?.entries ?? [] {
            guard let url = entry.value.secret("url") else { continue }
            listeners[entry.key] = Destination.Listener(
                url: url, export: entry.value.text("export"), auth: entry.value["auth"].flatMap(auth),
                sign: entry.value.entry("sign").flatMap(signing), records: entry.value.text("records"))
        }
        return listeners
    }

    private func auth(_ node: YAMLNode) -> Destination.Auth? {
        guard let choice = node.entries.first else { return nil }
        let value = choice.value.secret("value")
        switch choice.key {
        case "bearer": return choice.value.secret.map(Destination.Auth.bearer)
        case "basic":
            guard let user = choice.value.text("user"), let password = choice.value.secret("password") else {
                return nil
            }
            return .basic(user: user, password: password)
        case "header":
            guard let name = headerName(in: choice.value, "name"), let value else { return nil }
            return .header(name: name, value: value)
        case "query":
            guard let name = choice.value.text("name"), let value else { return nil }
            return .query(name: name, value: value)
        case "body":
            guard let path = choice.value.text("path"), let value else { return nil }
            return .body(path: path, value: value)
        case "oauth2": return oauth2(choice.value).map(Destination.Auth.oauth2)
        default: return nil
        }
    }

    private func oauth2(_ node: YAMLNode) -> Destination.OAuth2? {
        guard let url = node.text("tokenUrl"), let id = node.text("clientId"), let secret = node.secret("clientSecret")
        else { return nil }
        var oauth2 = Destination.OAuth2(tokenURL: url, clientID: id, clientSecret: secret)
        oauth2.scope = node.text("scope")
        oauth2.audience = node.text("audience")
        oauth2.sendsSecretInBody = node.text("sendSecret") == "body"
        return oauth2
    }

    private func headerName(in node: YAMLNode, _ key: String) -> String? {
        guard let value = node[key], let name = value.scalar?.text else { return nil }
        if !name.isHeaderName {
            findings.report(.badValue, at: value, "\(value.kindInWords) is not the name of a header")
        }
        return name
    }

    private func signing(_ entry: YAMLNode.Entry) -> Destination.Signing? {
        let node = entry.value
        let secrets = (node["secrets"]?.elements ?? []).compactMap(\.secret)
        let hmacKeys = ["algorithm", "encoding", "header", "prefix"]
        switch node.text("scheme") {
        case "standard-webhooks":
            for inner in node.entries where hmacKeys.contains(inner.key) {
                findings.report(.wrongKind, at: inner, "'\(inner.key)' is only for scheme hmac")
            }
            return .standardWebhooks(secrets: secrets)
        case "hmac":
            for key in hmacKeys.dropLast() where node.entry(key) == nil {
                findings.report(.missingKey, at: entry, "sign needs '\(key)' with scheme hmac")
            }
            guard let algorithm = node.text("algorithm").flatMap(Destination.Signing.Algorithm.init),
                let encoding = node.text("encoding").flatMap(Destination.Signing.Encoding.init),
                let header = headerName(in: node, "header")
            else { return nil }
            return .hmac(
                algorithm: algorithm, encoding: encoding, header: header, prefix: node.text("prefix") ?? "",
                secrets: secrets)
        default: return nil
        }
    }
}

extension Destination.Kind {
    /// "'window' is only for destinations of kind integrator; 'orders-hook' is a webhook"
    func refusal(of key: String, for kinds: [String], name: String) -> String {
        let allowed = kinds.joined(separator: " or ")
        return "'\(key)' is only for destinations of kind \(allowed); '\(name)' is \(inWords)"
    }

    var inWords: String {
        switch self {
        case .webhook: "a webhook"
        case .flowmate: "a flowmate destination"
        case .integrator: "an integrator destination"
        case .salesforce: "a salesforce destination"
        }
    }
}
