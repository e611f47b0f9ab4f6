import Curl

/// What the answer to a listener's POST means: the "listener" column of the retry classification.
package struct ListenerOutcome: Sendable, Equatable {
    package enum Action: Sendable, Equatable {
        case delivered
        case park
        case retry
        /// Again, but only a few times; then park.
        case retryFewTimes
        /// The whole account slows down.
        case slowDown
        case holdListener
        case holdDestination
    }

    /// A conflict that so many attempts in a row have met is permanent.
    package static let fewTimes = 5

    package var action: Action
    package var reason: String
    /// The listener may have taken the event although nothing says so.
    package var unknown = false

    init(_ action: Action, _ reason: String, unknown: Bool = false) {
        self.action = action
        self.reason = reason
        self.unknown = unknown
    }

    package static func judge(_ response: HTTPResponse) -> ListenerOutcome {
        let status = response.status
        switch status {
        case 200..<300: return Self(.delivered, "accepted")
        case 300..<400:
            return Self(.holdDestination, "the listener redirects (\(status)); take its public URL anew")
        case 400: return Self(.park, "the listener cannot read the body (400)")
        case 401:
            return Self(.holdListener, "the listener refuses the verification (401); compare its secret with yours")
        case 403: return Self(.holdListener, "the listener does not let this caller in (403)")
        case 404:
            return Self(.holdListener, "the listener is gone (404); is its export deleted, or its URL renewed?")
        case 405, 415: return Self(.park, "the listener does not take such a request (\(status))")
        case 408, 425: return Self(.retry, "the listener asks to try again (\(status))")
        case 409: return Self(.retryFewTimes, "the listener reports a conflict (409)")
        case 413: return Self(.park, "the body is larger than the listener takes (413)")
        case 422: return Self(.park, "the listener does not take the content (422)")
        case 429: return Self(.slowDown, "integrator.io asks to slow down (429)")
        case 500...599: return Self(.retry, "integrator.io is not well (\(status))", unknown: true)
        default: return Self(.park, "the listener answered \(status)")
        }
    }

    /// - Parameter error: its target is left out of the reason, since a listener's URL is a secret.
    package static func judge(_ error: TransportError) -> ListenerOutcome {
        let isReached = error.mayHaveBeenSent && [.reset, .timeout].contains(error.kind)
        let reason = "\(isReached ? "no answer from" : "cannot reach") the listener: \(error.reason)"
        return switch error.kind {
        case .certificate, .localFile, .badURL: Self(.holdDestination, reason)
        case .resolve, .connect, .proxy, .tls, .notTLS: Self(.retry, reason)
        case .timeout, .reset, .cancelled, .other: Self(.retry, reason, unknown: error.mayHaveBeenSent)
        }
    }
}
