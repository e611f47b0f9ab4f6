import Documents
import Events

/// `auth` and `rest` of an org: what the key tables cannot say, and the reading.
struct AuthDecoder {
    let findings: FindingList
    /// Of `sluice.yaml`; ends with a slash, or is empty.
    let folder: String

    func check(_ auth: YAMLNode.Entry) {
        let flows = auth.value.entries.filter { AuthKeys.flows.contains($0.key) }
        if flows.isEmpty, auth.value.isMap {
            let names = AuthKeys.flows.map { "'\($0)'" }.joined(separator: ", ")
            findings.report(.missingKey, at: auth, "auth needs one of \(names)")
        } else if flows.count > 1 {
            findings.report(
                .bothGiven, at: flows[1], "'\(flows[0].key)' and '\(flows[1].key)' cannot both be given")
        }
        guard let flow = flows.first else { return }
        checkFlow(flow)
        guard flow.key != "accessToken" else { return }
        for entry in auth.value.entries where ["instanceUrl", "tenantId"].contains(entry.key) {
            findings.report(
                .wrongKind, at: entry, "'\(entry.key)' is only for accessToken; the token response tells it")
        }
    }

    func checkREST(_ rest: YAMLNode) {
        guard let node = rest["apiVersion"], let text = node.scalar?.text else { return }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count != 2 || parts[1] != "0" || !(Int(parts[0]).map { (31...999).contains($0) } ?? false) else {
            return
        }
        findings.report(
            .badValue, at: node, "\(node.kindInWords) is no API version", hint: "such as 62.0, from 31.0 on")
    }

    private func checkFlow(_ flow: YAMLNode.Entry) {
        if flow.key == "password" {
            findings.report(
                .badValue, .warning, at: flow,
                "user name and password: Salesforce blocks this flow in new orgs; External Client Apps do not know it",
                hint: "clientCredentials or jwtBearer need no password")
        }
        guard let node = flow.value["callback"], let text = node.scalar?.text, !Self.isLoopback(text) else { return }
        findings.report(
            .badValue, at: node, "\(node.kindInWords) is no loopback address with a port",
            hint: "such as \(RefreshTokenConfiguration.defaultCallback)")
    }

    private static func isLoopback(_ url: String) -> Bool {
        guard url.hasPrefix("http://") else { return false }
        let parts = url.dropFirst(7).prefix { $0 != "/" }.split(separator: ":")
        return parts.count == 2 && ["localhost", "127.0.0.1"].contains(parts[0]) && UInt16(parts[1]) != nil
    }

    // MARK: Reading

    func auth(_ node: YAMLNode?, org: String) -> AuthConfiguration {
        if let flow = node?["clientCredentials"] {
            return .clientCredentials(clientID: clientID(flow), clientSecret: secret(flow, "clientSecret"))
        }
        if let flow = node?["jwtBearer"] {
            return .jwtBearer(
                clientID: clientID(flow), username: flow.text("username") ?? "", key: secret(flow, "key"),
                audience: flow.text("audience"))
        }
        if let flow = node?["refreshToken"] { return .refreshToken(refresh(flow, org)) }
        if let flow = node?["password"] {
            return .password(
                PasswordConfiguration(
                    clientID: clientID(flow), clientSecret: secret(flow, "clientSecret"),
                    username: flow.text("username") ?? "", password: secret(flow, "password"),
                    securityToken: flow.secret("securityToken")))
        }
        return .accessToken(
            secret(node, "accessToken"), instanceURL: node?.text("instanceUrl"), tenantID: node?.text("tenantId"))
    }

    func rest(_ node: YAMLNode?) -> RESTConfiguration {
        var rest = RESTConfiguration()
        rest.dailyShare = node?.integer("dailyShare") ?? rest.dailyShare
        rest.apiVersion = node?.text("apiVersion")
        rest.clientName = node?.text("clientName")
        rest.concurrency = node?.integer("concurrency") ?? rest.concurrency
        rest.bulkFrom = node?.integer("bulkFrom") ?? rest.bulkFrom
        return rest
    }

    private func refresh(_ flow: YAMLNode, _ org: String) -> RefreshTokenConfiguration {
        let file = flow.text("tokenFile") ?? "salesforce-\(org).token"
        var refresh = RefreshTokenConfiguration(
            clientID: clientID(flow), clientSecret: flow.secret("clientSecret"), tokenKey: secret(flow, "tokenKey"),
            tokenFile: file.hasPrefix("/") ? file : folder + file)
        refresh.callback = flow.text("callback") ?? refresh.callback
        return refresh
    }

    private func clientID(_ flow: YAMLNode) -> TextOrSecret {
        flow.text("clientId").map(TextOrSecret.text) ?? .reference(secret(flow, "clientId"))
    }

    private func secret(_ node: YAMLNode?, _ key: String) -> SecretReference {
        guard let reference = node?.secret(key) else { preconditionFailure("'\(key)' was checked and is not there") }
        return reference
    }
}
