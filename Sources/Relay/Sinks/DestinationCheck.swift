import Curl
import Events
import FlowMate
import IntegratorIO
import Rules

/// One line of `doctor` about a destination.
package struct CheckResult: Sendable, Equatable {
    package enum Level: String, Sendable { case ok, warning, failure }

    package var level: Level
    /// What was looked at: `destination celigo-eu: API token`.
    package var subject: String
    /// What was found, in plain words.
    package var message: String
    /// What to do; empty when all is well.
    package var advice: String
    /// Of a channel that could be looked into: what comes on it, by topic.
    package var carried: [String: [String]] = [:]
    /// Of a sign-in that went well: which org it is.
    package var signedIn: SignedIn?

    package struct SignedIn: Sendable, Equatable {
        var alias: String
        var orgID: String
    }

    package init(_ level: Level, _ subject: String, _ message: String, advice: String = "") {
        self.level = level
        self.subject = subject
        self.message = message
        self.advice = advice
    }
}

/// Checks a destination without delivering anything: address, TLS, credential, and the flows that rules name.
package struct DestinationCheck: Sendable {
    /// A flow that a rule runs or posts to.
    package struct Flow: Sendable, Hashable {
        package var id: String
        /// Sources to run; empty means all.
        package var exports: [String]

        package init(id: String, exports: [String] = []) {
            self.id = id
            self.exports = exports
        }
    }

    private let environment: SinkEnvironment

    package init(environment: SinkEnvironment) { self.environment = environment }

    /// - Parameter listsUsers: a rule delivers to the flows of a user whom the event names.
    package func check(
        _ destination: Destination, flows: [Flow] = [], listsUsers: Bool = false
    ) async -> [CheckResult] {
        let parts = DestinationParts(destination, secrets: environment.secrets)
        guard parts.findings.isEmpty else {
            return parts.findings.map { finding in
                CheckResult(
                    .failure, "destination \(finding.destination): \(finding.key)", finding.message,
                    advice: finding.hint)
            }
        }
        switch destination.kind {
        case .webhook:
            let subject = "destination \(destination.name)"
            return [await reach(destination.url, subject, parts.connection)] + (await token(destination, parts, subject))
        case .flowmate:
            let client = FlowMateClient(settings: parts.flowMate(destination, environment), http: environment.http)
            return await FlowMateCheck(name: destination.name, client: client).run(flows, listsUsers: listsUsers)
        case .integrator: return await integrator(destination, parts, flows)
        case .salesforce:
            // Sign-in and permissions are the org's own checks.
            return [CheckResult(.ok, "destination \(destination.name)", "writes into the org \(destination.org)")]
        }
    }

    private func integrator(
        _ destination: Destination, _ parts: DestinationParts, _ flows: [Flow]
    ) async -> [CheckResult] {
        let client = IntegratorClient(settings: parts.integrator(destination, environment), http: environment.http)
        let check = IntegratorCheck(name: destination.name, client: client)
        var results: [CheckResult] = []
        if destination.auth != nil || !flows.isEmpty { results += await check.run(flows) }
        // What keeps the token from being checked would be told once more for each listener.
        if destination.auth != nil, results.first?.level == .failure { return results }
        for (name, listener) in destination.listeners.sorted(by: { $0.key < $1.key }) {
            if let stated = listener.stated, destination.auth != nil {
                results += await check.listener(name, stated)
            } else if let url = parts.listeners[name]?.request.url {
                let subject = "destination \(destination.name): listener \(name)"
                results.append(await reach(url.exposed, subject, parts.connection))
            }
        }
        return results
    }

    /// Asks for one token, where the receiver wants such.
    private func token(
        _ destination: Destination, _ parts: DestinationParts, _ subject: String
    ) async -> [CheckResult] {
        guard case .oauth2(let oauth2)? = destination.auth else { return [] }
        let secrets = environment.secrets
        let tokens = OAuthTokens(
            oauth2, environment: environment, connection: parts.connection, timeout: .seconds(10)
        ) { () throws(SecretError) in try secrets.resolve(oauth2.clientSecret) }
        do throws(OAuthFailure) {
            _ = try await tokens.current()
            return [CheckResult(.ok, "\(subject): token", "the token endpoint gives one")]
        } catch {
            return [
                CheckResult(
                    .failure, "\(subject): token", error.reason,
                    advice: "Compare tokenUrl, clientId, clientSecret and scope with the receiver's.")
            ]
        }
    }

    /// Asks for the root of the address: any answer shows that name, network and TLS are right, and nothing is posted.
    private func reach(_ url: String, _ subject: String, _ connection: ConnectionOptions) async -> CheckResult {
        let origin = Self.origin(of: url)
        let request = HTTPRequest(
            url: origin + "/", headers: [HTTPRequest.Header("User-Agent", environment.userAgent)],
            timeout: .seconds(10), maximumResponseBytes: 4096, connection: connection)
        do {
            _ = try await environment.http.send(request)
            return CheckResult(.ok, subject, "\(origin) answers")
        } catch {
            return CheckResult(.failure, subject, error.description, advice: Self.advice(error.kind))
        }
    }

    /// `https://host:port`
    static func origin(of url: String) -> String {
        guard let scheme = url.firstRange(ofText: "://") else { return url }
        let rest = url[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let host = authority.split(separator: "@").last ?? authority
        return String(url[..<scheme.upperBound] + host)
    }

    package static func advice(_ kind: TransportError.Kind) -> String {
        switch kind {
        case .badURL: "Correct the address; private ones need allowPrivate: true."
        case .resolve: "Is the host name right, and does this machine's DNS know it?"
        case .connect: "Is the port right, and does a firewall let this machine out?"
        case .proxy: "Check the destination's proxy, or the environment's https_proxy."
        case .tls: "The TLS versions may not agree."
        case .notTLS: "Is this the port for https? For tests, http:// with allowHttp: true does without TLS."
        case .certificate: "An expired one is the receiver's to renew; if it has its own certificate authority, name its file in tls.ca."
        case .localFile: "Check the files named under tls."
        case .timeout: "Is something between here and there dropping packets?"
        case .reset, .cancelled, .other: "Try again; if it stays, ask the receiver's operator."
        }
    }
}

extension String {
    fileprivate func firstRange(ofText text: String) -> Range<String.Index>? {
        indices.first { self[$0...].hasPrefix(text) }.map { $0..<index($0, offsetBy: text.count) }
    }
}
