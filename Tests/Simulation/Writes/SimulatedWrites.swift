import Curl
import Events

/// Salesforce's side of a destination that writes into the org: records are saved by calls of several, and every save comes
/// back as an event that names the client who made it.
extension Receivers {
    /// Nil for what is no write.
    func written(_ request: HTTPRequest) -> HTTPResponse? {
        guard request.method == "PATCH", request.path.hasSuffix("/composite/sobjects") else { return nil }
        guard case .record(let body)? = try? JSONReader.parse(request.body), case .list(let records)? = body["records"] else {
            truth.problem("a write that nobody can read: \(String(decoding: request.body.prefix(200), as: UTF8.self))")
            return HTTPResponse(status: 400)
        }
        let client = request.value(of: "Sforce-Call-Options") ?? ""
        return .json("[\(records.map { save($0, client: client) }.joined(separator: ","))]")
    }

    private func save(_ record: Value, client: String) -> String {
        guard case .record(let fields) = record, case .string(let id)? = fields["Id"], case .string(let told)? = fields["Told__c"],
            let wanted = Wanted(told), wanted.record == id
        else {
            truth.problem("a record to write that nobody can read")
            return Self.failure("INVALID_FIELD", "nobody can read it")
        }
        if isPoison(wanted) {
            faults.note("write that Salesforce refuses for ever")
            return Self.failure("FIELD_CUSTOM_VALIDATION_EXCEPTION", "not this one")
        }
        if isLocked() {
            faults.note("row locked")
            return Self.failure("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")
        }
        truth.acted(wanted, replay: nil, body: [])
        org.echo(of: id, client: client)
        return #"{"id":"\#(id)","success":true,"errors":[]}"#
    }

    private static func failure(_ code: String, _ words: String) -> String {
        #"{"success":false,"errors":[{"statusCode":"\#(code)","message":"\#(words)","fields":[]}]}"#
    }
}

extension Wanted {
    /// - Parameter key: as bodies carry it.
    init?(_ key: String) {
        let parts = key.split(separator: " ").map(String.init)
        guard parts.count == 3 else { return nil }
        self.init(rule: parts[0], event: parts[1], record: parts[2])
    }
}
