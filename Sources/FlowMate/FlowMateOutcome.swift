import Curl

/// What the answer to a webhook call means. A table, and nothing but.
package struct FlowMateOutcome: Sendable, Equatable {
    package enum Action: Sendable, Equatable {
        /// `requestID` is FlowMate's echo; nil when the answer was not FlowMate's receipt.
        case delivered(requestID: String?)
        /// Can never succeed for this event.
        case park
        case retry
        /// Everything for this destination slows down.
        case slowDown
        /// The credential is refused, or FlowMate's identity service is down: both answer alike.
        case credential
        /// Read the flow, then decide: `FlowState`.
        case askFlow
        case holdFlow
        case holdDestination
    }

    package var action: Action
    package var reason: String
    /// The flow may have started although nothing says so.
    package var unknown = false

    init(_ action: Action, _ reason: String, unknown: Bool = false) {
        self.action = action
        self.reason = reason
        self.unknown = unknown
    }

    package static func judge(_ response: HTTPResponse) -> FlowMateOutcome {
        let text = FlowMateError.text(of: response)
        let said = text.isEmpty ? "" : ": \(text)"
        switch response.status {
        case 200..<300: return accepted(response)
        case 300..<400:
            return Self(.holdDestination, "FlowMate redirects (\(response.status)); correct the destination's baseUrl")
        case 400: return Self(.park, "FlowMate cannot read the body\(said)")
        case 401: return Self(.credential, "FlowMate refuses the credential, or its identity service is down\(said)")
        case 403: return Self(.holdFlow, "the flow does not let this caller in, or FlowMate cannot check it\(said)")
        case 404: return missing(text)
        case 405, 409, 410: return Self(.park, "FlowMate does not take the call (\(response.status))\(said)")
        case 408, 425: return Self(.retry, "FlowMate asks to try again (\(response.status))\(said)")
        case 413: return Self(.park, "the body is larger than FlowMate takes\(said)")
        case 415: return Self(.park, "FlowMate does not take this content type\(said)")
        case 422: return Self(.park, "FlowMate does not take the content\(said)")
        case 429: return Self(.slowDown, "FlowMate asks to slow down\(said)")
        case 500: return serverError(text, said)
        case 501...599: return Self(.retry, "FlowMate is not well (\(response.status))\(said)")
        default: return Self(.park, "FlowMate answered \(response.status)\(said)")
        }
    }

    package static func judge(_ error: TransportError) -> FlowMateOutcome {
        switch error.kind {
        case .certificate, .localFile, .badURL: Self(.holdDestination, error.description)
        case .resolve, .connect, .proxy, .tls, .notTLS: Self(.retry, error.description)
        case .timeout, .reset, .cancelled, .other:
            Self(.retry, error.description, unknown: error.mayHaveBeenSent)
        }
    }

    /// The call was not made.
    package static func refused(_ refusal: FlowMateWebhook.Refusal) -> FlowMateOutcome {
        Self(.park, refusal.description)
    }

    private static func accepted(_ response: HTTPResponse) -> FlowMateOutcome {
        if let id = FlowMateReceipt(response.body)?.requestID {
            return Self(.delivered(requestID: id), "accepted")
        }
        return Self(
            .delivered(requestID: nil),
            "answered \(response.status) without FlowMate's receipt: a gateway or a login page may have answered")
    }

    private static func missing(_ text: String) -> FlowMateOutcome {
        if text.lowercased().contains("does not exist or is inactive") {
            return Self(.askFlow, "FlowMate knows no running flow of this ID with a webhook")
        }
        let said = text.isEmpty ? "nothing else" : text
        return Self(.holdFlow, "FlowMate does not find the webhook; it says: \(said)")
    }

    private static func serverError(_ text: String, _ said: String) -> FlowMateOutcome {
        let isPermanent = text.contains("Cast to ObjectId") || text.contains("Not allowed by CORS")
        return Self(
            isPermanent ? .park : .retry,
            isPermanent ? "FlowMate cannot serve this call as it is configured\(said)" : "FlowMate failed (500)\(said)")
    }
}
