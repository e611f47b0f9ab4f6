import ChangeEvents
import Events
import Logging
import Rules
import Store
import Synchronization

/// Notices when events of an object come with another schema than before, and says what that means for the rules.
///
/// An old event may still come behind a new one (a replay, two instances of a release): a schema that was seen before in
/// this process is no news.
package final class SchemaWatch: Sendable {
    /// Schemas remembered; beyond it they are all looked at once more.
    static let limit = 10_000

    private let org: String
    private let store: Store
    private let schemas: SchemaCache
    private let rules: CurrentRules
    private let reports: StreamReports
    private let time: TimeSource
    private let log: Logger
    private let seen = Mutex<Set<String>>([])

    package init(
        org: String, store: Store, schemas: SchemaCache, rules: CurrentRules, reports: StreamReports, time: TimeSource,
        log: Logger
    ) {
        self.org = org
        self.store = store
        self.schemas = schemas
        self.rules = rules
        self.reports = reports
        self.time = time
        self.log = log
    }

    /// Quick for a schema that was seen before, as nearly all were.
    func saw(_ schema: EventSchema, topic: String) async {
        let isNew = seen.withLock { seen in
            guard !seen.contains(schema.id) else { return false }
            if seen.count >= Self.limit { seen.removeAll() }
            seen.insert(schema.id)
            return true
        }
        guard isNew else { return }
        do {
            let wall = time.wall()
            guard let old = try await store.setSchema(schema.id, of: schema.name, org: org, wall: wall) else { return }
            let before = try await schemas.schema(old)
            await changed(SchemaDiff(from: before, to: schema), schema, topic)
        } catch {
            // Without the old one there is nothing to compare; events go on.
            log.debug("\(schema.name) has another schema than before, which cannot be compared: \(error)")
        }
    }

    private func changed(_ diff: SchemaDiff, _ schema: EventSchema, _ topic: String) async {
        let entity = schema.isChangeEvent ? EntityTopic.entity(ofChangeEvent: schema.name) ?? schema.name : schema.name
        let affected = rules.current.rules(using: diff.affected, of: entity)
        var text = "\(entity) has another schema (\(schema.id)): \(diff.summary)"
        if !affected.isEmpty {
            text += ". Rules that name what is gone or another type: \(affected.joined(separator: ", ")); see them with "
                + "`sluice rules lint --schema`"
        }
        if affected.isEmpty { log.notice("\(text)") } else { log.warning("\(text)") }
        guard !diff.isEmpty else { return }
        await reports.schemaChanged(text, topic: topic, isAlarming: !affected.isEmpty)
    }
}
