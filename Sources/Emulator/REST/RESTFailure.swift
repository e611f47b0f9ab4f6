import Events

/// A failure of the REST API that a script asks for, in Salesforce's words.
struct RESTFailure: Sendable, Equatable {
    var status: Int
    /// Empty where something in front of Salesforce answers, with a page of HTML.
    var code: String
    var message: String

    private static let known = [
        RESTFailure(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
        RESTFailure(400, "QUERY_TIMEOUT", "Your query request was running for too long."),
        RESTFailure(400, "INVALID_QUERY_LOCATOR", "invalid query locator"),
        RESTFailure(400, "DUPLICATE_VALUE", "duplicate value found"),
        RESTFailure(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "A validation rule refuses this record."),
        RESTFailure(401, "INVALID_SESSION_ID", "Session expired or invalid"),
        RESTFailure(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
        RESTFailure(403, "API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization."),
        RESTFailure(403, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id"),
        RESTFailure(404, "NOT_FOUND", "The requested resource does not exist"),
        RESTFailure(404, "ENTITY_IS_DELETED", "entity is deleted"),
        RESTFailure(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred."),
        RESTFailure(503, "SERVER_UNAVAILABLE", "The server is temporarily unavailable."),
    ]

    private init(_ status: Int, _ code: String, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    /// What is nil is what usually goes with the rest; nil when status and code are.
    init?(status: Int?, code: String?, message: String?) {
        guard status != nil || code != nil else { return nil }
        let usual = Self.known.first { code == nil ? $0.status == status : $0.code == code }
        self.init(status ?? usual?.status ?? 400, code ?? usual?.code ?? "", message ?? usual?.message ?? "")
    }

    func fault(path: String, times: Int) -> TargetFault {
        guard !code.isEmpty else {
            return TargetFault(
                path: path, status: status, times: times, body: "<html><body>\(message)</body></html>",
                contentType: "text/html")
        }
        let body = RESTEndpoint.refused(.init(status: status, code: code, message: message)).body
        return TargetFault(
            path: path, status: status, times: times, body: String(decoding: body, as: UTF8.self),
            contentType: "application/json")
    }
}
