import Curl
import Events
import Rules

/// Sends deliveries to a plain webhook.
package struct WebhookSink: Sink {
    /// Of one request; common servers refuse more than 8 or 16 KiB.
    static let maximumHeaderBytes = 16 << 10
    static let maximumBodyBytes = 10 << 20

    private let url: String
    /// Those of every request, before its own.
    private let headers: HeaderSet
    private let auth: ReadyAuth?
    /// In the place of `auth`.
    private let tokens: OAuthTokens?
    private let signer: RequestSigner?
    private let timeout: Duration
    private let connection: ConnectionOptions
    private let calls: HTTPSink

    init(
        destination: Destination, auth: ReadyAuth?, tokens: OAuthTokens? = nil, signer: RequestSigner?,
        connection: ConnectionOptions, calls: HTTPSink
    ) {
        url = destination.url
        var headers = HeaderSet([
            HTTPRequest.Header("Content-Type", "application/json"),
            HTTPRequest.Header("User-Agent", calls.environment.userAgent),
        ])
        headers.replace(destination.headers.map { HTTPRequest.Header($0.name, $0.value) })
        self.headers = headers
        self.auth = auth
        self.tokens = tokens
        self.signer = signer
        timeout = destination.timeout
        self.connection = connection
        self.calls = calls
    }

    package nonisolated(nonsending) func attempt(_ delivery: Delivery, number: Int) async -> AttemptOutcome {
        guard case .webhook(let method, let path, let extra) = delivery.target else {
            return .park(AttemptNote(reason: "this destination is a webhook; the delivery is for something else"))
        }
        let call = Call(method: method, path: path, headers: extra, delivery: delivery)
        do {
            let credential = try await tokens?.current() ?? auth
            let first = await send(call, credential)
            // A token may be withdrawn before its time: once, another one is tried.
            guard let tokens, first.note.status == 401 else { return first }
            let fresh = try await tokens.current(insteadOf: credential)
            return await send(call, fresh)
        } catch {
            let note = AttemptNote(reason: error.reason)
            return error.isRefusal
                ? .hold(note, scope: .destination, for: WebhookOutcome.credentialHold) : .retry(note, after: nil)
        }
    }

    private struct Call {
        var method: String
        var path: String
        var headers: [DeliveryTarget.Header]
        var delivery: Delivery
    }

    private nonisolated(nonsending) func send(_ call: Call, _ auth: ReadyAuth?) async -> AttemptOutcome {
        let request = request(call, auth)
        let bytes = request.headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
        guard bytes <= Self.maximumHeaderBytes else {
            let limit = "\(Self.maximumHeaderBytes) at most, since receivers refuse more"
            return .park(AttemptNote(reason: "the headers have \(bytes) bytes; they have \(limit)"))
        }
        guard request.body.count <= Self.maximumBodyBytes else {
            let limit = "a webhook is sent \(Self.maximumBodyBytes) at most"
            return .park(AttemptNote(reason: "the body has \(request.body.count) bytes; \(limit)"))
        }
        do {
            let response = try await calls.send(request)
            return outcome(WebhookOutcome.judge(response), response, auth)
        } catch {
            return outcome(WebhookOutcome.judge(error), nil, auth)
        }
    }

    private func request(_ call: Call, _ auth: ReadyAuth?) -> HTTPRequest {
        let delivery = call.delivery
        let timestamp = calls.timestamp
        // Later ones win: nothing that a rule sets may stand in for identity, credential or signature.
        var set = headers
        if !call.headers.isEmpty { set.replace(call.headers.map { HTTPRequest.Header($0.name, $0.value) }) }
        set.replace(HTTPSink.identity(delivery, timestamp: timestamp))
        if let auth { set.replace([auth.header]) }
        if let signer { set.replace([signer.header(id: delivery.id, timestamp: timestamp, body: delivery.body)]) }
        return HTTPRequest(
            method: call.method, url: Self.join(url, call.path), headers: set.headers, body: delivery.body, timeout: timeout,
            maximumResponseBytes: 64 * 1024, connection: connection)
    }

    /// The path goes before a query that the URL may have.
    static func join(_ url: String, _ path: String) -> String {
        guard !path.isEmpty else { return url }
        let end = url.firstIndex { $0 == "?" || $0 == "#" } ?? url.endIndex
        let base = url[..<end].last == "/" ? url[..<end].dropLast() : url[..<end]
        return base + path + url[end...]
    }

    private func outcome(
        _ judged: WebhookOutcome, _ response: HTTPResponse?, _ auth: ReadyAuth?
    ) -> AttemptOutcome {
        let secrets = (auth?.secrets ?? []) + (signer?.secrets ?? [])
        var note = calls.note(response, judged.reason, possibleDuplicate: judged.unknown, hiding: secrets)
        note.isAlarm = judged.isDisabled
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
        headers.reserveCapacity(headers.count + others.count)
        for other in others {
            headers.removeAll { Self.isSame($0.name.utf8, other.name.utf8) }
            headers.append(other)
        }
    }

    /// Names of headers are ASCII.
    private static func isSame(_ one: String.UTF8View, _ other: String.UTF8View) -> Bool {
        one.count == other.count && zip(one, other).allSatisfy { lower($0) == lower($1) }
    }

    private static func lower(_ byte: UInt8) -> UInt8 { (65...90).contains(byte) ? byte | 32 : byte }
}
