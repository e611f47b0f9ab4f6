import Curl
import Events
import Logging
import Rules
import Synchronization

/// The request that a delivery is: made by its sink, as its destination is today, and caught instead of sent. Holds no
/// secret.
package struct RequestPreview: Sendable, Codable, Equatable {
    package struct Header: Sendable, Codable, Equatable {
        package var name: String
        /// `•••` for credentials and signatures; and for what the rule made of the event, if its body is not shown.
        package var value: String
    }

    package var method: String
    /// What may hold a secret is `•••`: the path and query that stand in the destination, a listener's whole URL.
    package var url: String
    /// In the order in which they are sent. `webhook-timestamp` is that of the time given.
    package var headers: [Header]

    static let hidden = "•••"

    /// - Parameters:
    ///   - time: of the attempt, epoch milliseconds.
    ///   - showsEvent: whether path and headers are shown that the rule made of the event.
    /// - Returns: nil for what is no request by itself, such as a claim on a run, or where none can be made.
    static func make(
        _ delivery: Delivery, to destination: Destination, version: String, time: Int64, showsEvent: Bool
    ) async -> RequestPreview? {
        var secrets = StandInSecrets()
        var stood = secrets.replace(in: destination)
        // Posts to listeners do not carry the account's credential: it serves to ask whether they are taken.
        if stood.kind == .integrator { stood.auth = nil }
        let http = CaughtRequest()
        let clock = TimeSource(wall: { time }, monotonic: { .zero }, sleep: { _ in })
        let environment = SinkEnvironment(
            http: http, clock: clock, version: version, secrets: secrets.store,
            logger: Logger(label: "preview") { _ in SwiftLogNoOpLogHandler() })
        let factory = SinkFactory(environment: environment, journal: NothingKept(), outcomes: NothingKept())
        guard let sink = factory.make(stood).ready?.sink else { return nil }
        _ = await sink.attempt(delivery, number: 1)
        guard let request = http.request, let url = url(delivery.target, destination, request, showsEvent) else { return nil }
        var hiddenNames = destination.secretHeaders(for: delivery.target)
        if !showsEvent { hiddenNames += delivery.target.ruleHeaders.map(\.name) }
        let isHidden = Set(hiddenNames.map { $0.lowercased() })
        return RequestPreview(
            method: request.method, url: url,
            headers: request.headers.map { header in
                Header(
                    name: header.name,
                    value: isHidden.contains(header.name.lowercased()) || soundsSecret(header.name) ? hidden : header.value)
            })
    }

    /// Of headers that stand in the destination or come of the rule: a name that says what it is for.
    private static func soundsSecret(_ name: String) -> Bool {
        let name = name.lowercased()
        return ["auth", "token", "secret", "password", "api-key", "apikey", "cookie"].contains { name.contains($0) }
    }

    private static func url(
        _ target: DeliveryTarget, _ destination: Destination, _ request: HTTPRequest, _ showsEvent: Bool
    ) -> String? {
        let url = request.url
        let origin = DestinationCheck.origin(of: url)
        switch target {
        case .webhook(_, let rendered, _):
            let path = showsEvent || rendered.isEmpty ? rendered : "/" + hidden
            let own = rest(of: destination.url)
            let ownPath = own.prefix { $0 != "?" && $0 != "#" }
            return origin + (ownPath.count > 1 ? "/" + hidden : "") + path + (own.contains("?") ? "?" + hidden : "")
        case .flow(let id, _): return origin + rest(of: url).replacing(id, with: "…\(id.suffix(4))")
        case .listener(let name): return "\(hidden) (listener \(name))"
        case .run, .batch: return nil
        }
    }

    /// What comes after scheme, host and port.
    private static func rest(of url: String) -> Substring {
        let start = url.range(of: "://")?.upperBound ?? url.startIndex
        return url[start...].drop { $0 != "/" && $0 != "?" && $0 != "#" }
    }
}

extension DeliveryTarget {
    fileprivate var ruleHeaders: [Header] {
        if case .webhook(_, _, let headers) = self { headers } else { [] }
    }

    /// Without what its rule made of the event.
    var withoutEvent: DeliveryTarget {
        guard case .webhook(let method, let path, let headers) = self else { return self }
        let hidden = RequestPreview.hidden
        return .webhook(
            method: method, path: path.isEmpty ? "" : "/" + hidden, headers: headers.map { Header(name: $0.name, value: hidden) })
    }
}

extension Destination {
    /// Headers of its requests that hold a credential, or a signature.
    fileprivate func secretHeaders(for target: DeliveryTarget) -> [String] {
        guard case .listener(let name) = target, let listener = listeners[name] else {
            return [auth?.header, sign?.headerName].compactMap { $0 }
        }
        return [listener.auth?.header, listener.sign?.headerName].compactMap { $0 }
    }
}

extension Destination.Auth {
    fileprivate var header: String? {
        switch self {
        case .bearer, .basic, .oauth2: "Authorization"
        case .header(let name, _): name
        case .query, .body: nil
        }
    }
}

extension Destination.Signing {
    fileprivate var headerName: String {
        switch self {
        case .standardWebhooks: "webhook-signature"
        case .hmac(_, _, let header, _, _): header
        }
    }
}

/// Keeps the first request that would be sent.
private final class CaughtRequest: HTTPClient {
    private let caught = Mutex<HTTPRequest?>(nil)

    var request: HTTPRequest? { caught.withLock { $0 } }

    func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse {
        caught.withLock { $0 = $0 ?? request }
        throw TransportError(kind: .cancelled, target: "", reason: "only looked at", mayHaveBeenSent: false)
    }
}
