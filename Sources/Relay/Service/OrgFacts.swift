import Events
import Rules
import SalesforceREST

/// Answers what rules ask for beyond an event: records of one org, by REST, and flows of FlowMate's users.
struct OrgFacts: FactSource {
    let records: RecordReader
    let flows: any FlowLookup

    func record(entity: String, id: String, fields: [String]?) async throws(FactFailure) -> Fields? {
        do {
            return try await records.read(entity: entity, id: id, fields: fields)
        } catch let error as RESTError {
            // A session is got anew, and credentials are mended, without a restart.
            let passes = error.isRetryable || error.kind == .signIn || error.kind == .cancelled
            throw FactFailure(reason: "\(error)", isTemporary: passes)
        } catch {
            throw FactFailure(reason: "cannot read \(entity) \(id): \(error)", isTemporary: true)
        }
    }

    func flows(of owner: FlowOwner, received: Int64) async throws(FactFailure) -> [FlowFacts] {
        try await flows.flows(of: owner, received: received)
    }
}

/// Knows which flows belong to which user of a FlowMate destination.
package protocol FlowLookup: Sendable {
    /// - Parameter received: when the event came that asks, epoch milliseconds.
    func flows(of owner: FlowOwner, received: Int64) async throws(FactFailure) -> [FlowFacts]
}
