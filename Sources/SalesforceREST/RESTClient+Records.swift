import Curl
import Events
import Salesforce

/// One record by its ID or an external ID.
package struct RecordAddress: Sendable, CustomStringConvertible {
    package let entity: String
    /// Nil: `value` is the record's ID.
    package let externalField: String?
    package let value: String

    package static func id(_ entity: String, _ id: String) -> RecordAddress {
        RecordAddress(entity: entity, externalField: nil, value: id)
    }

    package static func external(_ entity: String, _ field: String, _ value: String) -> RecordAddress {
        RecordAddress(entity: entity, externalField: field, value: value)
    }

    var path: String {
        let segments = ["sobjects", entity] + (externalField.map { [$0] } ?? []) + [value]
        return segments.map { "/" + FormEncoding.percentEncode($0) }.joined()
    }

    package var description: String { "\(entity) \(externalField.map { "\($0)=" } ?? "")\(value)" }
}

extension RESTClient {
    package struct Saved: Sendable, Equatable {
        /// Empty where Salesforce does not say it (an update).
        package var id: String
        package var isCreated: Bool

        package init(id: String, isCreated: Bool) {
            self.id = id
            self.isCreated = isCreated
        }
    }

    /// - Parameter fields: nil reads all that the user may see.
    /// - Parameter modifiedSince: RFC 9110 date; nil is returned if the record did not change since then.
    package func retrieve(
        _ address: RecordAddress, fields: [String]? = nil, modifiedSince: String? = nil
    ) async throws(RESTError) -> Fields? {
        var call = RESTCall(.get, address.path, action: "read \(address)")
        if let fields { call.query.append(("fields", fields.joined(separator: ","))) }
        if let modifiedSince { call.headers.append(.init("If-Modified-Since", modifiedSince)) }
        let answer = try await send(call)
        if answer.status == 304 { return nil }
        guard let record = try answer.json().fields else { throw answer.unexpected("it is no record") }
        return RecordTree.plain(record)
    }

    /// Not sent again if its answer is lost: the record may exist then.
    package func create(_ entity: String, _ fields: Fields) async throws(RESTError) -> Saved {
        let call = RESTCall(
            .post, RESTCall.path("sobjects", entity), json: .record(fields), action: "create \(entity)")
        return try await saved(send(call), isCreated: true)
    }

    /// - Parameter unmodifiedSince: RFC 9110 date; `.preconditionFailed` if somebody changed the record since.
    package func update(
        _ address: RecordAddress, _ fields: Fields, unmodifiedSince: String? = nil
    ) async throws(RESTError) {
        precondition(address.externalField == nil, "by external ID it is an upsert")
        var call = RESTCall(.patch, address.path, json: .record(fields), action: "update \(address)")
        if let unmodifiedSince {
            call.headers.append(.init("If-Unmodified-Since", unmodifiedSince))
            // Sent again after a lost answer it would meet its own change.
            call.isRepeatable = false
        }
        _ = try await send(call)
    }

    package func upsert(_ address: RecordAddress, _ fields: Fields) async throws(RESTError) -> Saved {
        let call = RESTCall(.patch, address.path, json: .record(fields), action: "upsert \(address)")
        let answer = try await send(call)
        // Older versions say nothing about an update.
        if answer.status == 204 { return Saved(id: "", isCreated: false) }
        return try saved(answer, isCreated: answer.status == 201)
    }

    package func delete(_ address: RecordAddress) async throws(RESTError) {
        _ = try await send(RESTCall(.delete, address.path, action: "delete \(address)"))
    }

    private func saved(_ answer: RESTAnswer, isCreated: Bool) throws(RESTError) -> Saved {
        let body = try answer.json()
        guard let id = body.text("id"), body["success"] != .bool(false) else {
            throw RESTError(item: .list(body.list("errors") ?? []), status: answer.status, action: answer.action)
        }
        if case .bool(let created)? = body["created"] { return Saved(id: id, isCreated: created) }
        return Saved(id: id, isCreated: isCreated)
    }
}
