import Events
import Logging
import Synchronization

/// Says that gap events passed which no rule took: something changed in Salesforce, and nobody was told.
final class GapLog: Sendable {
    /// Gaps cluster: one line for as many as come within this time.
    static let quiet: Duration = .seconds(60)

    private struct State {
        var unsaid = 0
        var quietUntil: Duration?
    }

    private let state = Mutex(State())
    private let time: TimeSource

    init(time: TimeSource) { self.time = time }

    func skipped(_ event: Event, log: Logger) {
        let now = time.monotonic()
        let count = state.withLock { state -> Int? in
            state.unsaid += 1
            if let until = state.quietUntil, now < until { return nil }
            state.quietUntil = now + Self.quiet
            defer { state.unsaid = 0 }
            return state.unsaid
        }
        guard let count, let header = event.header else { return }
        let advice =
            event.change == "overflow"
            ? "a rule with change: [overflow] is told, and one with onGap: fetch gets the records that are read"
            : "a rule with change: [gap] is told, and one with onGap: fetch gets the record that is read"
        log.warning(
            """
            \(count == 1 ? "a gap event" : "\(count) gap events") of \(event.entity) went to nobody, since the rules \
            that name it leave it out; \(advice)
            """,
            metadata: [
                "topic": "\(event.topic)", "changeType": "\(header.changeType.symbol)",
                "recordIds": "\(header.recordIds.prefix(5).joined(separator: ","))",
            ])
    }
}
