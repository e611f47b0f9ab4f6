import Curl
import Events
import IntegratorIO

/// Sends deliveries to the listeners (webhook exports) of one integrator.io account.
package struct ListenerSink: Sink {
    /// A listener with its secrets at hand.
    struct Ready: Sendable {
        var request: ListenerRequest
        var signer: RequestSigner?
        /// What must not show up in an excerpt; its URL is among them.
        var secrets: [Secret]
    }

    private let listeners: [String: Ready]
    private let timeout: Duration
    private let connection: ConnectionOptions
    private let calls: HTTPSink

    init(listeners: [String: Ready], timeout: Duration, connection: ConnectionOptions, calls: HTTPSink) {
        self.listeners = listeners
        self.timeout = timeout
        self.connection = connection
        self.calls = calls
    }

    package func attempt(_ delivery: Delivery, number: Int) async -> AttemptOutcome {
        guard case .listener(let name) = delivery.target else {
            return .park(AttemptNote(reason: "this delivery is for no listener of integrator.io"))
        }
        guard let listener = listeners[name] else {
            let note = AttemptNote(reason: "the destination has no listener named \(name); add it to its rule file")
            return .hold(note, scope: .target, for: nil)
        }
        let body: [UInt8]
        do {
            body = try listener.request.body(delivery.body)
        } catch {
            return .park(AttemptNote(reason: error.description))
        }
        return await send(body, delivery, listener, number)
    }

    private func send(_ body: [UInt8], _ delivery: Delivery, _ listener: Ready, _ number: Int) async -> AttemptOutcome {
        let timestamp = calls.timestamp
        var headers =
            HTTPSink.identity(delivery, timestamp: timestamp)
            + [HTTPRequest.Header("User-Agent", calls.environment.userAgent)]
        if let signer = listener.signer {
            headers.append(signer.header(id: delivery.id, timestamp: timestamp, body: body))
        }
        let request = listener.request.request(body: body, headers: headers, timeout: timeout, connection: connection)
        do {
            let response = try await calls.send(request)
            return outcome(ListenerOutcome.judge(response), response, listener, number)
        } catch {
            return outcome(ListenerOutcome.judge(error), nil, listener, number)
        }
    }

    private func outcome(
        _ judged: ListenerOutcome, _ response: HTTPResponse?, _ listener: Ready, _ number: Int
    ) -> AttemptOutcome {
        let note = calls.note(
            response, judged.reason, possibleDuplicate: judged.unknown, hiding: listener.secrets)
        return switch judged.action {
        case .delivered: .delivered(note)
        case .park: .park(note)
        case .retryFewTimes where number >= ListenerOutcome.fewTimes: .park(note)
        case .retry, .retryFewTimes: .retry(note, after: calls.retryAfter(response))
        case .slowDown: .hold(note, scope: .destination, for: calls.retryAfter(response) ?? HTTPSink.slowDown)
        case .holdListener: .hold(note, scope: .target, for: nil)
        case .holdDestination: .hold(note, scope: .destination, for: nil)
        }
    }
}
