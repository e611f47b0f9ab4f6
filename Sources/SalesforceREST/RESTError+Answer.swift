import Curl
import Events

extension RESTError {
    /// Messages are cut here: some repeat whole queries.
    static let maximumMessageCharacters = 500

    /// Reads an answer that is no success: `[{"message","errorCode","fields"}]`, or what a proxy put in its place.
    init(_ response: HTTPResponse, action: String) {
        let first = Self.first(response.body)
        let code = first?.text("errorCode") ?? first?.text("statusCode") ?? first?.text("error") ?? ""
        let message =
            first?.text("message") ?? first?.text("error_description") ?? Self.message(response.status, response.body)
        let kind = Self.kind(status: response.status, code: code)
        self.init(
            kind, action: action, status: response.status, code: code,
            message: message.isEmpty && code.isEmpty
                ? "no reason given" : String(message.prefix(Self.maximumMessageCharacters)),
            fields: first?.list("fields")?.compactMap(\.text) ?? [],
            fix: Self.fix(response.status, kind, code, message),
            retryAfter: Self.asked(response) ?? Self.pause(kind, message))
        // An error that Salesforce itself words rolls the transaction back; a proxy's says nothing.
        mayHaveBeenDone = response.status >= 500 && (code.isEmpty || code == "UNKNOWN_EXCEPTION")
    }

    /// The same for one item of a composite answer.
    package init(item: Value, status: Int, action: String) {
        var text = JSONText()
        text.value(item)
        self.init(HTTPResponse(status: status, body: text.bytes), action: action)
    }

    private static func first(_ body: [UInt8]) -> Value? {
        guard let value = try? JSONReader.parse(body) else { return nil }
        if case .list(let values) = value { return values.first }
        return value
    }

    /// For bodies that are no error of Salesforce's form; empty if there is nothing to say.
    private static func message(_ status: Int, _ body: [UInt8]) -> String {
        if status == 300, case .list(let places)? = try? JSONReader.parse(body) {
            let ids = places.compactMap { $0.text?.split(separator: "/").last }
            return "several records have it: \(ids.joined(separator: ", "))"
        }
        return body.first { !" \r\n\t".utf8.contains($0) } == UInt8(ascii: "<") ? htmlMessage : ""
    }

    private static let htmlMessage = "an HTML page came instead of an answer"

    private static func kind(status: Int, code: String) -> Kind {
        if let known = codes[code] { return known }
        switch status {
        case 300: return .ambiguous
        case 401: return .signIn
        case 403: return .forbidden
        case 404: return .notFound
        case 410: return .versionRetired
        case 412: return .preconditionFailed
        case 429: return .limitReached
        case 408, 420, 500...: return .serverBusy
        default: return .rejected
        }
    }

    private static let codes: [String: Kind] = [
        "INVALID_SESSION_ID": .signIn, "REQUEST_LIMIT_EXCEEDED": .limitReached, "UNABLE_TO_LOCK_ROW": .rowLocked,
        "SERVER_UNAVAILABLE": .serverBusy, "UNKNOWN_EXCEPTION": .serverBusy, "QUERY_TIMEOUT": .queryTimeout,
        "INVALID_QUERY_LOCATOR": .cursorExpired, "NOT_FOUND": .notFound, "ENTITY_IS_DELETED": .notFound,
        "UNSUPPORTED_API_VERSION": .versionRetired, "API_DISABLED_FOR_ORG": .forbidden,
        "INSUFFICIENT_ACCESS": .forbidden, "INSUFFICIENT_ACCESS_OR_READONLY": .forbidden,
        "FUNCTIONALITY_NOT_ENABLED": .forbidden,
    ]

    /// Of something in between: Salesforce itself sends no `Retry-After`.
    private static func asked(_ response: HTTPResponse) -> Duration? {
        guard let seconds = response.header("Retry-After").flatMap({ Int($0) }), (0...86_400).contains(seconds) else {
            return nil
        }
        return .seconds(seconds)
    }

    /// Salesforce sends no `Retry-After`. Too many at once pass in seconds, the day's limit does not.
    private static func pause(_ kind: Kind, _ message: String) -> Duration? {
        guard kind == .limitReached else { return nil }
        return message.lowercased().contains("concurrent") ? .seconds(20) : .seconds(300)
    }

    private static func fix(_ status: Int, _ kind: Kind, _ code: String, _ message: String) -> String {
        if let known = fixes[code] { return known }
        if message == htmlMessage {
            return "Is Salesforce being maintained (status.salesforce.com), or does something in between answer?"
        }
        if status == 414 || status == 431 { return "Name fewer fields, or ask for less at a time." }
        switch kind {
        case .signIn:
            return "Check that the app has the scope 'api', that its user may use the API, and that loginUrl is a My "
                + "Domain address."
        case .forbidden: return "Give the user access by a permission set."
        case .versionRetired: return "Raise apiVersion; `GET /services/data` lists those of the org."
        case .ambiguous: return "Make the external ID unique in Salesforce."
        case .preconditionFailed: return "Somebody changed the record meanwhile: read it again, and decide anew."
        default: return ""
        }
    }

    private static let fixes: [String: String] = [
        "REQUEST_LIMIT_EXCEEDED":
            "Setup > System Overview shows who uses the org's API calls; they are counted over the last 24 hours.",
        "INVALID_FIELD":
            "Check the field's API name, and that the user may see it (field-level security of a permission set).",
        "INVALID_TYPE": "Check the object's API name, and that the user has Read on it by a permission set.",
        "NOT_FOUND": "It does not exist, or the user may not see it: check its API name, and the permission sets.",
        "API_DISABLED_FOR_ORG": "This edition has no API, or the user lacks 'API Enabled'.",
        "FUNCTIONALITY_NOT_ENABLED": "Enable the feature in Setup, or do without this call.",
        "INSUFFICIENT_ACCESS_OR_READONLY": "Give the user Edit on the object and the record by a permission set.",
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": "Give the user access to the record that is referred to.",
        "INVALID_FIELD_FOR_INSERT_UPDATE": "Leave the named fields out: they cannot be written.",
        "JSON_PARSER_ERROR": "Does each value have the type of its field: text in quotes, numbers without?",
        "QUERY_TIMEOUT": "Make the query narrower: an indexed filter, or fewer records at a time.",
        "INVALID_QUERY_LOCATOR": "Its cursor expired: begin again.",
    ]
}

extension Value {
    subscript(name: String) -> Value? {
        if case .record(let fields) = self { return fields[name] }
        return nil
    }

    var text: String? {
        if case .string(let text) = self { return text }
        return nil
    }

    var list: [Value]? {
        if case .list(let values) = self { return values }
        return nil
    }

    var fields: Fields? {
        if case .record(let fields) = self { return fields }
        return nil
    }

    var isNull: Bool { self == .null }

    func text(_ name: String) -> String? { self[name]?.text }
    func list(_ name: String) -> [Value]? { self[name]?.list }

    func flag(_ name: String) -> Bool { self[name] == .bool(true) }

    func integer(_ name: String) -> Int? {
        switch self[name] {
        case .int(let number)?: Int(exactly: number)
        case .double(let number)?: Int(exactly: number)
        default: nil
        }
    }
}
