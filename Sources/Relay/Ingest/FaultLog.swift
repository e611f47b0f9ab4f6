import Events
import Logging
import Rules
import Synchronization

/// Says that conditions of rules ended in errors: such a rule does not match, and its author should know.
///
/// The counters and the list of faults (`status`, `rules explain`) have all of them; the log one line per rule and minute.
final class FaultLog: Sendable {
    static let quiet: Duration = .seconds(60)
    /// Rules that are told apart; the line of any other is left out while they are quiet.
    static let rules = 1_000

    private let quietUntil = Mutex<[String: Duration]>([:])
    private let time: TimeSource

    init(time: TimeSource) { self.time = time }

    func note(_ result: RoutingResult, of event: Event, log: Logger) {
        for outcome in result.outcomes where outcome.kind == .fault {
            guard let cause = outcome.cause, mayBeSaid(outcome.rule) else { continue }
            log.error(
                "rule \(outcome.rule) does not match, since its condition failed: \(cause)",
                metadata: [
                    "topic": "\(event.topic)", "replayId": "\(event.replayID)", "event": "\(event.id)",
                    "recordId": "\(event.recordID)",
                ])
        }
    }

    private func mayBeSaid(_ rule: String) -> Bool {
        let now = time.monotonic()
        return quietUntil.withLock { quietUntil in
            if let until = quietUntil[rule] {
                guard now >= until else { return false }
            } else if quietUntil.count >= Self.rules {
                return false
            }
            quietUntil[rule] = now + Self.quiet
            return true
        }
    }
}
