import ChangeEvents
import Events
import Logging
import Salesforce
import Store

/// Decodes events that an earlier process held.
struct HeldEventReader: Sendable {
    let schemas: SchemaCache
    let org: Org
    let time: TimeSource
    let log: Logger

    /// Waits for a schema that cannot be had at the moment.
    ///
    /// - Returns: nil if it cannot be decoded, now or later.
    /// - Throws: `CancellationError` only.
    func event(_ row: HeldEvent) async throws -> Event? {
        var wait = Ingest.schemaRetryBase
        while true {
            do throws(SchemaSource.Failure) {
                return decode(row, try await schemas.schema(row.schemaID))
            } catch {
                try Task.checkCancellation()
                switch error {
                case .permanent(let reason):
                    log.error("\(reason)")
                    return nil
                case .temporary(let reason): log.warning("\(reason); events that were held wait for it")
                }
            }
            try await time.sleep(wait)
            wait = min(wait * 2, Ingest.schemaRetryCeiling)
        }
    }

    private func decode(_ row: HeldEvent, _ schema: EventSchema) -> Event? {
        let events = try? EventDecoder(org: org).decode(
            row.source, schema: schema, topic: row.key.topic, receivedAt: row.receivedAt)
        return events?.first { $0.recordID == row.key.recordID }
    }
}
