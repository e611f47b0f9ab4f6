import Curl
import Events

/// A call to integrator.io's API that brought no result.
package struct IntegratorFailure: Error, Sendable, CustomStringConvertible {
    package enum Cause: Sendable {
        case transport(TransportError)
        case status(Int)
        /// 2xx, but not integrator.io's JSON.
        case unreadable
        /// 2xx, but more than is read.
        case tooLarge(String)
        /// Not sent, because it cannot be right.
        case input(String)
    }

    /// One of `{"errors":[{"code","message","field"}]}`. The code is what to act on.
    package struct Entry: Sendable, Equatable {
        package var code: String?
        package var message: String?
        package var field: String?

        package init(code: String? = nil, message: String? = nil, field: String? = nil) {
            self.code = code
            self.message = message
            self.field = field
        }
    }

    /// `run flow 598f…`
    package var action: String
    package var cause: Cause
    package var entries: [Entry]
    /// `Retry-After`, as sent.
    package var retryAfter: String?
    /// Where it was called; empty when it was not.
    package var root = ""

    package init(action: String, cause: Cause, entries: [Entry] = [], retryAfter: String? = nil) {
        self.action = action
        self.cause = cause
        self.entries = entries
        self.retryAfter = retryAfter
    }

    package var status: Int? {
        if case .status(let status) = cause { return status }
        return nil
    }

    package var kind: IntegratorFailureKind {
        switch cause {
        case .transport(let error): IntegratorFailureKind(error)
        case .status(let status): IntegratorFailureKind(status: status)
        case .unreadable: .unknown
        case .tooLarge, .input: .configuration
        }
    }

    package var description: String {
        switch cause {
        case .transport(let error): "cannot \(action): \(error)"
        case .status(let status): "cannot \(action): integrator.io answered \(status)\(said)"
        case .unreadable: "cannot \(action): the answer is not integrator.io's; is the destination's baseUrl right?"
        case .tooLarge(let text), .input(let text): "cannot \(action): \(text)"
        }
    }

    private var said: String {
        let texts = entries.prefix(3).map { entry in
            [entry.code, entry.field, entry.message].compactMap(\.self).joined(separator: " ")
        }
        let text = texts.joined(separator: "; ").unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }
        let shown = String(String(String.UnicodeScalarView(text)).prefix(200))
        return shown.isEmpty ? "" : ": " + shown.withoutFullStop
    }

    static func entries(of body: [UInt8]) -> [Entry] {
        ((try? JSONReader.parse(body))?["errors"]?.list ?? []).map { entry in
            Entry(code: entry["code"]?.text, message: entry["message"]?.text, field: entry["field"]?.text)
        }
    }
}

/// What a failed API call asks for: the "API calls" column of the retry classification.
package enum IntegratorFailureKind: Sendable, Equatable, CaseIterable {
    /// Certain that nothing was done; try again later.
    case retry
    /// May have been done: look before doing it again.
    case unknown
    /// The whole account slows down.
    case rateLimited
    /// The token is invalid, purged, or of another region.
    case credential
    /// The token does not cover this.
    case scope
    /// Flow or job is gone.
    case missing
    /// Another run is queued or running.
    case busy
    /// A disabled flow, or a validation: nothing changes until the configuration does.
    case invalid
    /// Cannot succeed as it is configured.
    case configuration

    package init(status: Int) {
        switch status {
        case 401: self = .credential
        case 403: self = .scope
        case 404: self = .missing
        case 408, 500...599: self = .unknown
        case 409: self = .busy
        case 422: self = .invalid
        case 425: self = .retry
        case 429: self = .rateLimited
        default: self = .configuration
        }
    }

    package init(_ error: TransportError) {
        switch error.kind {
        case .certificate, .localFile, .badURL: self = .configuration
        case .resolve, .connect, .proxy, .tls, .notTLS: self = .retry
        case .timeout, .reset, .cancelled, .other: self = error.mayHaveBeenSent ? .unknown : .retry
        }
    }
}
