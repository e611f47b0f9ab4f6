import Events
import Salesforce

/// One record or platform event that a delivery writes into an org.
package struct SalesforceWrite: Sendable, Equatable {
    /// What may go together in one call.
    package enum Kind: Hashable, Sendable {
        case create(object: String)
        case update(object: String)
        case upsert(object: String, field: String)
        case publish(event: String)
    }

    package var kind: Kind
    /// ID or external ID; empty for what is made anew.
    package var key: String
    package var fields: Fields
    package var delivery: String
    /// As a call of its own: `PATCH`, `/sobjects/Account/001…`, and its body.
    package var method: String
    package var path: String
    package var body: [UInt8]

    /// - Returns: nil with the reason for a delivery that says no such thing.
    static func read(_ delivery: Delivery) -> Result<SalesforceWrite, Refusal> {
        guard case .webhook(let method, let path, _) = delivery.target else {
            return .failure(Refusal(reason: "this destination is a Salesforce org; the delivery is for something else"))
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map { part in
            FormEncoding.decode("part=\(part)")["part"] ?? ""
        }
        guard parts.count >= 2, parts[0] == "sobjects", let kind = kind(method, Array(parts)) else {
            return .failure(Refusal(reason: "'\(method) \(path)' is no write to a record"))
        }
        let key = parts.count > 2 ? parts[parts.count - 1] : ""
        guard parts.count == 2 || !key.isEmpty else {
            return .failure(Refusal(reason: "the ID of the record is empty"))
        }
        guard case .record(let fields)? = try? JSONReader.parse(delivery.body) else {
            return .failure(Refusal(reason: "'fields' is no map"))
        }
        return .success(
            SalesforceWrite(
                kind: kind, key: key, fields: fields, delivery: delivery.id, method: method, path: path,
                body: delivery.body))
    }

    struct Refusal: Error { let reason: String }

    private static func kind(_ method: String, _ parts: [String]) -> Kind? {
        switch (method, parts.count) {
        case ("POST", 2): parts[1].hasSuffix("__e") ? .publish(event: parts[1]) : .create(object: parts[1])
        case ("PATCH", 3): .update(object: parts[1])
        case ("PATCH", 4): .upsert(object: parts[1], field: parts[2])
        default: nil
        }
    }
}

/// Writes into one org.
package protocol SalesforceWriter: Sendable {
    /// - Parameter writes: of one kind, none of them for the same record, at most `SalesforceSink.maximumBatch`.
    /// - Returns: an outcome for each, in their order.
    func save(_ kind: SalesforceWrite.Kind, _ writes: [SalesforceWrite]) async -> [AttemptOutcome]
}
