import Curl

/// What the answer of a plain webhook means: Standard Webhooks where it says something, caution elsewhere.
package struct WebhookOutcome: Sendable, Equatable {
    package enum Action: Sendable, Equatable {
        case delivered
        case park
        case retry
        /// The whole destination slows down.
        case slowDown
        /// Somebody must change something. A length that is nil is the hold's own back-off.
        case hold(for: Duration?)
    }

    /// For refused credentials: calling more often does not help, and may lock an account.
    package static let credentialHold: Duration = .seconds(900)
    /// For endpoints that have gone for good: the longest hold there is. Ends when the destination is changed, or when
    /// an operator lets it be tried.
    package static let goneHold: Duration = .seconds(24 * 3600)

    package var action: Action
    package var reason: String
    /// The receiver may have acted although nothing says so.
    package var unknown = false
    /// The receiver wants nothing any more: an operator should know.
    package var isDisabled: Bool { action == .hold(for: Self.goneHold) }

    init(_ action: Action, _ reason: String, unknown: Bool = false) {
        self.action = action
        self.reason = reason
        self.unknown = unknown
    }

    package static func judge(_ response: HTTPResponse) -> WebhookOutcome {
        let status = response.status
        switch status {
        case 200..<300: return Self(.delivered, "accepted")
        case 300..<400:
            return Self(.hold(for: nil), "the receiver redirects (\(status)); correct the destination's url")
        case 401, 403:
            return Self(
                .hold(for: credentialHold),
                "the receiver refuses the credential (\(status)); correct the destination's auth or signature")
        case 404: return Self(.hold(for: nil), "the receiver does not know this address (404); correct url or path")
        case 407: return Self(.hold(for: nil), "the proxy wants a credential (407); correct the destination's proxy")
        case 408, 425: return Self(.retry, "the receiver asks to try again (\(status))")
        case 409, 423: return Self(.retry, "the receiver is busy with something else (\(status))")
        case 410:
            return Self(.hold(for: goneHold), "the receiver has gone for good (410); remove it or correct its url")
        case 429: return Self(.slowDown, "the receiver asks to slow down (429)")
        // Somebody between us and the receiver gave up waiting for it, or it failed half-way.
        case 500, 502, 504: return Self(.retry, "the receiver is not well (\(status))", unknown: true)
        case 501, 505: return Self(.park, "the receiver cannot serve such a request (\(status))")
        case 500...599: return Self(.retry, "the receiver is not well (\(status))")
        default: return Self(.park, "the receiver does not take this delivery (\(status))")
        }
    }

    package static func judge(_ error: TransportError) -> WebhookOutcome {
        switch error.kind {
        case .certificate, .localFile, .badURL: Self(.hold(for: nil), error.description)
        case .resolve, .connect, .proxy, .tls, .notTLS: Self(.retry, error.description)
        case .timeout, .reset, .cancelled, .other:
            Self(.retry, error.description, unknown: error.mayHaveBeenSent)
        }
    }
}
