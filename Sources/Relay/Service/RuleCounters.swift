import Events
import Rules
import Synchronization

/// What became of each rule's events since the start. A table as large as the rule set; updated with every event that a
/// rule is a candidate for, so it does little.
package final class RuleCounters: Sendable {
    package struct Counts: Sendable, Equatable {
        fileprivate var outcomes = [Int](repeating: 0, count: RuleOutcome.Kind.allCases.count)
        /// Deliveries whose request could not be built.
        package var failures = 0
        package var delivered = 0
        package var failedAttempts = 0
        /// Deliveries of replays and backfills, which no other count includes.
        package var replayed = 0
        /// Milliseconds from commit to acknowledgement, summed over `delivered`.
        package var ageMilliseconds: Int64 = 0

        package func count(_ kind: RuleOutcome.Kind) -> Int { outcomes[kind.place] }
    }

    /// A table of references: what is counted is changed in place, and the table only looked at.
    private final class Counter {
        var counts = Counts()

        init(_ counts: Counts = Counts()) { self.counts = counts }
    }

    private let counters = Mutex<[String: Counter]>([:])

    package init() {}

    /// Rules that are gone leave the table; counters of the others go on.
    package func retain(_ ids: [String]) {
        counters.withLock { counters in
            var retained: [String: Counter] = [:]
            for id in ids { retained[id] = counters[id] ?? Counter() }
            counters = retained
        }
    }

    package var snapshot: [String: Counts] { counters.withLock { $0.mapValues(\.counts) } }

    func routed(_ result: RoutingResult) {
        guard !result.outcomes.isEmpty || !result.failures.isEmpty else { return }
        counters.withLock { counters in
            for outcome in result.outcomes { counters[outcome.rule]?.counts.outcomes[outcome.kind.place] += 1 }
            for failure in result.failures { counters[failure.rule]?.counts.failures += 1 }
        }
    }

    func delivered(_ rule: String, ageMilliseconds: Int64) {
        counters.withLock { counters in
            guard let counter = counters[rule] else { return }
            counter.counts.delivered += 1
            counter.counts.ageMilliseconds += max(0, ageMilliseconds)
        }
    }

    func replayed(_ rule: String) { counters.withLock { $0[rule]?.counts.replayed += 1 } }

    func failed(_ rule: String) { counters.withLock { $0[rule]?.counts.failedAttempts += 1 } }
}

extension RuleOutcome.Kind {
    /// Among all cases, without making a list of them.
    fileprivate var place: Int {
        switch self {
        case .matched: 0
        case .unknown: 1
        case .fault: 2
        case .needsMissing: 3
        case .gapSkipped: 4
        }
    }
}
