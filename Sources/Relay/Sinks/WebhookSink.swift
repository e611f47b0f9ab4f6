import Curl
import Events
import Rules

/// Sends deliveries to a plain webhook.
package struct WebhookSink: Sink {
    private let url: String
    private let headers: [HTTPRequest.Header]
    private let auth: ReadyAuth?
    private let signer: RequestSigner?
    private let timeout: Duration
    private let connection: ConnectionOptions
    private let calls: HTTPSink

    init(
        destination: Destination, auth: ReadyAuth?, signer: RequestSigner?, connection: ConnectionOptions,
        calls: HTTPSink
    ) {
        url = destination.url
        headers = destination.headers.map { HTTPRequest.Header($0.name, $0.value) }
        self.auth = auth
        self.signer = signer
        timeout = destination.timeout
        self.connection = connection
        self.calls = calls
    }

    package func attempt(_ delivery: Delivery, number: Int) async -> AttemptOutcome {
        guard case .webhook(let method, let path, let extra) = delivery.target else {
            return .park(AttemptNote(reason: "this destination is a webhook; the delivery is for something else"))
        }
        let request = request(method: method, path: path, extra: extra, delivery)
        do {
            let response = try await calls.send(request)
            return outcome(WebhookOutcome.judge(response), response)
        } catch {
            return outcome(WebhookOutcome.judge(error), nil)
        }
    }

    private func request(
        method: String, path: String, extra: [DeliveryTarget.Header], _ delivery: Delivery
    ) -> HTTPRequest {
        let timestamp = calls.timestamp
        // Later ones win: nothing that a rule sets may stand in for identity, credential or signature.
        var set = HeaderSet([
            HTTPRequest.Header("Content-Type", "application/json"),
            HTTPRequest.Header("User-Agent", calls.environment.userAgent),
        ])
        set.replace(headers)
        set.replace(extra.map { HTTPRequest.Header($0.name, $0.value) })
        set.replace(HTTPSink.identity(delivery, timestamp: timestamp))
        if let auth { set.replace([auth.header]) }
        if let signer { set.replace([signer.header(id: delivery.id, timestamp: timestamp, body: delivery.body)]) }
        return HTTPRequest(
            method: method, url: Self.join(url, path), headers: set.headers, body: delivery.body, timeout: timeout,
            maximumResponseBytes: 64 * 1024, connection: connection)
    }

    /// The path goes before a query that the URL may have.
    static func join(_ url: String, _ path: String) -> String {
        guard !path.isEmpty else { return url }
        let end = url.firstIndex { $0 == "?" || $0 == "#" } ?? url.endIndex
        let base = url[..<end].last == "/" ? url[..<end].dropLast() : url[..<end]
        return base + path + url[end...]
    }

    private func outcome(_ judged: WebhookOutcome, _ response: HTTPResponse?) -> AttemptOutcome {
        let secrets = (auth?.secrets ?? []) + (signer?.secrets ?? [])
        let note = calls.note(response, judged.reason, possibleDuplicate: judged.unknown, hiding: secrets)
        return switch judged.action {
        case .delivered: .delivered(note)
        case .park: .park(note)
        case .retry: .retry(note, after: calls.retryAfter(response))
        case .slowDown: .hold(note, scope: .destination, for: calls.retryAfter(response) ?? HTTPSink.slowDown)
        case .hold(let length): .hold(note, scope: .destination, for: length)
        }
    }
}

/// Headers with one value per name, whatever its case.
struct HeaderSet {
    private(set) var headers: [HTTPRequest.Header]

    init(_ headers: [HTTPRequest.Header]) { self.headers = headers }

    mutating func replace(_ others: [HTTPRequest.Header]) {
        for other in others {
            headers.removeAll { $0.name.lowercased() == other.name.lowercased() }
            headers.append(other)
        }
    }
}
