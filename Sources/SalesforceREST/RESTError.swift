import Curl

/// Why a call of the REST API failed, in words an operator can act on.
package struct RESTError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// No session could be had, or the one there is was refused for good.
        case signIn
        /// The configuration, a secret or a file has to be mended; nothing was sent.
        case setup
        /// Not reached, broken off, or too slow.
        case unreachable
        /// The configured share of the daily calls is used up, or Salesforce says that the org's limit is.
        case limitReached
        /// 5xx or an error that passes by itself.
        case serverBusy
        /// Another transaction has the record locked.
        case rowLocked
        case queryTimeout
        /// The query's cursor is too old: begin anew, or go on after the last ID.
        case cursorExpired
        /// No such record, object or resource; a deleted record as well.
        case notFound
        /// Several records have that external ID.
        case ambiguous
        /// 412: changed meanwhile.
        case preconditionFailed
        case forbidden
        case versionRetired
        /// 400 and other refusals of what was sent.
        case rejected
        /// Longer than the bound of this call.
        case tooLarge
        case unreadable
        case cancelled
    }

    package let kind: Kind
    /// "read Account 001…"
    package let action: String
    /// HTTP status; 0 without an answer.
    package let status: Int
    /// Salesforce's `errorCode`, or empty.
    package let code: String
    package let message: String
    /// Fields that Salesforce names.
    package let fields: [String]
    package let fix: String
    /// How long it makes no sense to ask again.
    package var retryAfter: Duration?
    /// False if it is certain that Salesforce did nothing.
    package var mayHaveBeenDone = false

    package init(
        _ kind: Kind, action: String, status: Int = 0, code: String = "", message: String, fields: [String] = [],
        fix: String = "", retryAfter: Duration? = nil
    ) {
        self.kind = kind
        self.action = action
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields
        self.fix = fix
        self.retryAfter = retryAfter
    }

    /// Whether the same call may do better later, without anybody's doing.
    package var isRetryable: Bool {
        switch kind {
        case .unreachable, .limitReached, .serverBusy, .rowLocked, .queryTimeout: true
        default: false
        }
    }

    /// Whether a query of fewer records may do better.
    package var mayBeOfSize: Bool {
        switch kind {
        case .queryTimeout, .tooLarge, .unreachable: true
        default: false
        }
    }

    package var description: String {
        let answer = status == 0 ? "" : code.isEmpty && !message.isEmpty ? "HTTP \(status): " : "HTTP \(status) "
        return "cannot \(action): \(answer)\(reason)"
    }

    /// Without what was tried: where many records were tried at once.
    package var reason: String {
        let said = [code, message].filter { !$0.isEmpty }.joined(separator: ": ")
        let named = fields.isEmpty ? "" : " (fields: \(fields.joined(separator: ", ")))"
        let end = named.isEmpty && said.hasSuffix(".") ? "" : "."
        return "\(said)\(named)\(end)" + (fix.isEmpty ? "" : " \(fix)")
    }

    static func cancelled(_ action: String) -> RESTError {
        RESTError(.cancelled, action: action, message: "it was broken off")
    }

    init(_ error: TransportError, action: String) {
        let hint =
            switch error.kind {
            case .resolve: "Check the host name, and DNS."
            case .certificate: "If a proxy inspects TLS, name its CA file in tls.ca."
            case .proxy: "Check tls.proxy."
            case .localFile: "Check the files named in tls."
            default: ""
            }
        self.init(
            error.kind == .cancelled ? .cancelled : .unreachable, action: action, status: error.status ?? 0,
            message: "\(error)", fix: hint)
        mayHaveBeenDone = error.mayHaveBeenSent
    }
}
