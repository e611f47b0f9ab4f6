import Events
import Rules
import Synchronization

/// What became of each rule's events since the start. A table as large as the rule set; updated with every event that a
/// rule is a candidate for, so it does little.
package final class RuleCounters: Sendable {
    package struct Counts: Sendable, Equatable {
        /// In the order of `RuleOutcome.Kind.allCases`.
        package var outcomes = [Int](repeating: 0, count: RuleOutcome.Kind.allCases.count)
        /// Deliveries whose request could not be built.
        package var failures = 0
        package var delivered = 0
        package var failedAttempts = 0
        /// Deliveries of replays and backfills, which no other count includes.
        package var replayed = 0
        /// Milliseconds from commit to acknowledgement, summed over `delivered`.
        package var ageMilliseconds: Int64 = 0

        package func count(_ kind: RuleOutcome.Kind) -> Int {
            RuleOutcome.Kind.allCases.firstIndex(of: kind).map { outcomes[$0] } ?? 0
        }
    }

    private let counts = Mutex<[String: Counts]>([:])

    package init() {}

    /// Rules that are gone leave the table; counters of the others go on.
    package func retain(_ ids: [String]) {
        counts.withLock { counts in
            counts = Dictionary(ids.map { ($0, counts[$0] ?? Counts()) }, uniquingKeysWith: { first, _ in first })
        }
    }

    package var snapshot: [String: Counts] { counts.withLock { $0 } }

    func routed(_ result: RoutingResult) {
        guard !result.outcomes.isEmpty || !result.failures.isEmpty else { return }
        counts.withLock { counts in
            for outcome in result.outcomes {
                guard let index = RuleOutcome.Kind.allCases.firstIndex(of: outcome.kind) else { continue }
                counts[outcome.rule]?.outcomes[index] += 1
            }
            for failure in result.failures { counts[failure.rule]?.failures += 1 }
        }
    }

    func delivered(_ rule: String, ageMilliseconds: Int64) {
        counts.withLock { counts in
            counts[rule]?.delivered += 1
            counts[rule]?.ageMilliseconds += max(0, ageMilliseconds)
        }
    }

    func replayed(_ rule: String) { counts.withLock { $0[rule]?.replayed += 1 } }

    func failed(_ rule: String) { counts.withLock { $0[rule]?.failedAttempts += 1 } }
}
