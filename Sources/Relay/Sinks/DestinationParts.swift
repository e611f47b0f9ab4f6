import Curl
import Events
import FlowMate
import IntegratorIO
import Rules

/// What a destination's text becomes before a sink is made of it, with everything that is wrong.
struct DestinationParts: Sendable {
    private(set) var auth: ReadyAuth?
    private(set) var signer: RequestSigner?
    private(set) var connection = ConnectionOptions()
    private(set) var listeners: [String: ListenerSink.Ready] = [:]
    private(set) var findings: [SinkFinding] = []
    private let name: String

    init(_ destination: Destination, secrets: SecretStore) {
        name = destination.name
        if destination.kind != .salesforce {
            checkScheme(destination.url, destination, key: destination.kind == .webhook ? "url" : "baseUrl")
        }
        if case .oauth2(let oauth2)? = destination.auth {
            checkScheme(oauth2.tokenURL, destination, key: "auth.oauth2.tokenUrl")
            _ = resolve("auth.oauth2.clientSecret") { () throws(SecretError) in
                try secrets.resolve(oauth2.clientSecret)
            }
        }
        auth = resolve("auth") { () throws(SecretError) in
            try destination.auth.flatMap { auth throws(SecretError) in try ReadyAuth(auth, secrets: secrets) }
        }
        signer = resolve("sign") { () throws(SecretError) in
            try destination.sign.map { sign throws(SecretError) in try RequestSigner(sign, secrets: secrets) }
        }
        connection = options(destination, secrets)
        for (listener, text) in destination.listeners.sorted(by: { $0.key < $1.key }) {
            listeners[listener] = ready(listener, text, destination, secrets)
        }
    }

    /// What must not show up in an excerpt.
    var secrets: [Secret] { (auth?.secrets ?? []) + (signer?.secrets ?? []) }

    func flowMate(_ destination: Destination, _ environment: SinkEnvironment) -> FlowMateSettings {
        var settings = FlowMateSettings(baseURL: destination.url)
        settings.credential = auth?.value
        settings.credentialHeader = auth?.name ?? settings.credentialHeader
        settings.timeout = destination.timeout
        settings.connection = connection
        settings.userAgent = environment.userAgent
        for (name, path) in destination.paths {
            if let place = FlowMateSettings.Paths.named(name) { settings.paths[keyPath: place] = path }
        }
        return settings
    }

    func integrator(_ destination: Destination, _ environment: SinkEnvironment) -> IntegratorSettings {
        var settings = IntegratorSettings(baseURL: destination.url)
        settings.credential = auth?.value
        settings.credentialHeader = auth?.name ?? settings.credentialHeader
        settings.timeout = destination.timeout
        settings.connection = connection
        settings.userAgent = environment.userAgent
        settings.runBody = destination.runBody.flatMap(RunBody.Shape.init) ?? settings.runBody
        settings.resolveKey =
            destination.resolveKey.flatMap(IntegratorSettings.ResolveKey.init) ?? settings.resolveKey
        return settings
    }

    // MARK: Reading

    private mutating func resolve<Part>(_ key: String, _ read: () throws(SecretError) -> Part?) -> Part? {
        do {
            return try read()
        } catch {
            find(
                key, error.description,
                "Set it, for example in .env beside the configuration; a running relay takes it with `sluice rules reload`.")
            return nil
        }
    }

    private mutating func find(_ key: String, _ message: String, _ hint: String) {
        findings.append(SinkFinding(destination: name, key: key, message: message, hint: hint))
    }

    private mutating func checkScheme(_ url: String, _ destination: Destination, key: String) {
        let start = url.prefix(8).lowercased()
        if start.hasPrefix("https://") { return }
        guard start.hasPrefix("http://") else {
            return find(key, "the address does not begin with https://", "Write the whole address.")
        }
        guard !destination.allowHttp else { return }
        find(key, "plain http would show events and secrets to the network", "Use https, or allowHttp: true for tests.")
    }

    private mutating func options(_ destination: Destination, _ secrets: SecretStore) -> ConnectionOptions {
        var options = ConnectionOptions(proxy: destination.proxy)
        options.addresses = destination.allowPrivate ? .all : destination.allowHttp ? .publicOrLoopback : .public
        options.caFile = destination.tls.ca.map(secrets.absolute)
        options.clientCertificate = destination.tls.cert.map(secrets.absolute)
        switch destination.tls.key {
        case .file(let path): options.clientKey = secrets.absolute(path)
        case .env: find("tls.key", "a client key must be a file", "Write it as {file: path}.")
        case nil: break
        }
        return options
    }

    private mutating func ready(
        _ listener: String, _ text: Destination.Listener, _ destination: Destination, _ store: SecretStore
    ) -> ListenerSink.Ready? {
        let key = "listeners.\(listener)"
        let url = resolve("\(key).url") { () throws(SecretError) in try store.resolve(text.url) }
        if let url { checkScheme(url.exposed, destination, key: "\(key).url") }
        let auth = resolve("\(key).auth") { () throws(SecretError) in try Self.listenerAuth(text.auth, store) }
        let signer = resolve("\(key).sign") { () throws(SecretError) in
            try text.sign.map { sign throws(SecretError) in try RequestSigner(sign, secrets: store) }
        }
        guard let url else { return nil }
        let hidden = [url] + Self.pathSecrets(url) + (auth?.secrets ?? []) + (signer?.secrets ?? [])
        return ListenerSink.Ready(
            request: ListenerRequest(url: url, auth: auth?.auth ?? .none), signer: signer,
            records: text.records, secrets: hidden)
    }

    private static func listenerAuth(
        _ auth: Destination.Auth?, _ store: SecretStore
    ) throws(SecretError) -> (auth: ListenerRequest.Auth, secrets: [Secret])? {
        switch auth {
        case nil: return nil
        case .query(let name, let reference):
            let value = try store.resolve(reference)
            return (.query(name: name, value: value), [value])
        case .body(let path, let reference):
            let value = try store.resolve(reference)
            return (.body(path: path, value: value), [value])
        case .bearer, .basic, .header, .oauth2:
            guard let auth, let ready = try ReadyAuth(auth, secrets: store) else { return nil }
            return (.header(name: ready.name, value: ready.value), ready.secrets)
        }
    }

    /// An answer may quote the path or query of a URL that is a secret: whatever in them is long enough to be one.
    private static func pathSecrets(_ url: Secret) -> [Secret] {
        let text = url.exposed
        guard let start = text.range(of: "://")?.upperBound, let path = text[start...].firstIndex(of: "/") else {
            return []
        }
        let parts = text[path...].split { "/?&".contains($0) }
        let values = parts.map { part in part.firstIndex(of: "=").map { part[part.index(after: $0)...] } ?? part }
        return values.filter { $0.count >= 8 }.map { Secret(String($0)) }
    }
}
