import ChangeEvents
import Events
import Logging
import Salesforce

/// Decodes one org's events a second time: from the journal, from quarantine, or fetched again.
struct EventReader: Sendable {
    /// Between tries of a schema that cannot be had at the moment.
    static let schemaRetryBase: Duration = .seconds(1)
    static let schemaRetryCeiling: Duration = .seconds(30)

    private let schemas: SchemaCache
    private let decoder: EventDecoder
    private let time: TimeSource

    init(_ entry: ReplayOrgs.Entry, time: TimeSource) {
        schemas = entry.schemas
        decoder = EventDecoder(org: entry.org)
        self.time = time
    }

    /// Waits for a schema that cannot be had now.
    ///
    /// - Returns: one event per record, or why there is none.
    /// - Throws: `CancellationError` only.
    func decode(
        _ event: ConsumerEvent, topic: String, receivedAt: Int64
    ) async throws -> Result<[Event], UnreadableEvent> {
        var wait = Self.schemaRetryBase
        while true {
            do throws(SchemaSource.Failure) {
                let schema = try await schemas.schema(event.schemaID)
                return decode(event, schema, topic, receivedAt)
            } catch {
                try Task.checkCancellation()
                if case .permanent(let reason) = error { return .failure(UnreadableEvent(reason: reason)) }
            }
            try await time.sleep(wait)
            wait = min(wait * 2, Self.schemaRetryCeiling)
        }
    }

    private func decode(
        _ event: ConsumerEvent, _ schema: EventSchema, _ topic: String, _ receivedAt: Int64
    ) -> Result<[Event], UnreadableEvent> {
        do throws(UndecodableEvent) {
            return .success(try decoder.decode(event, schema: schema, topic: topic, receivedAt: receivedAt))
        } catch {
            return .failure(UnreadableEvent(reason: "\(error)"))
        }
    }
}

/// Why an event cannot be decoded, in plain words.
struct UnreadableEvent: Error {
    let reason: String
}
