import Events
import Logging
import Synchronization

/// Says that Salesforce sends changes of a type that this version does not know: no rule can name them, so they go to
/// nobody.
final class UnknownChangeLog: Sendable {
    /// Types and topics; when there are more, all are said again.
    static let maximumRemembered = 100

    private let said = Mutex<Set<[String]>>([])

    func note(_ event: Event, log: Logger) {
        guard case .unknown(let type)? = event.changeType else { return }
        let isNews = said.withLock { said in
            if said.count >= Self.maximumRemembered { said.removeAll() }
            return said.insert([event.topic, type]).inserted
        }
        guard isNews else { return }
        log.warning(
            """
            changes of the type \(type) go to nobody: this version of Sluice does not know it. They are in the journal, and a \
            newer version can replay them
            """, metadata: ["topic": "\(event.topic)", "recordIds": "\(event.recordID)"])
    }
}
