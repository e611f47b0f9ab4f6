import Events

/// What one rule set made of one event, as far as that can be told without reading anything.
struct RoutedEvent {
    struct Made {
        enum Outcome {
            case delivery(Delivery)
            case failure(String)
        }

        var id: String
        var rule: String
        var destination: String
        var isShadow = false
        var outcome: Outcome
    }

    private(set) var made: [Made] = []
    /// Rules that would have something read first, so that nobody knows yet what they make of the event.
    private(set) var reading: Set<String> = []
    private(set) var tally: [String: RuleTally] = [:]

    /// What rules may ask for one after another: the record, then flows.
    private static let maximumReads = 8

    /// - Parameter result: of routing the event without any facts.
    init(_ event: Event, _ result: RoutingResult, by rules: RuleSet) {
        reading = Self.reading(event, result, rules)
        made = result.deliveries.map { Self.made($0, isShadow: false) }
        made += result.shadows.map { Self.made($0, isShadow: true) }
        made += result.failures.map {
            Made(id: $0.id, rule: $0.rule, destination: $0.destination, outcome: .failure($0.description))
        }
        count(result)
    }

    private static func made(_ delivery: Delivery, isShadow: Bool) -> Made {
        Made(
            id: delivery.id, rule: delivery.rule, destination: delivery.destination, isShadow: isShadow,
            outcome: .delivery(delivery))
    }

    // MARK: Reading

    /// Refused everything they ask for, the rules that asked come to an end that they did not have before.
    private static func reading(_ event: Event, _ first: RoutingResult, _ rules: RuleSet) -> Set<String> {
        var facts = RoutingFacts()
        var result = first
        var asking: Set<String> = []
        for _ in 0..<maximumReads where !result.wants.isEmpty {
            for want in result.wants {
                switch want {
                case .record: facts.record = .unavailable
                case .flows(let owner): facts.flows[owner] = .refused("not asked")
                }
            }
            let next = rules.route(event, now: event.receivedAt, facts: facts)
            asking.formUnion(next.outcomes.filter { !result.outcomes.contains($0) }.map(\.rule))
            asking.formUnion(next.failures.filter { !result.failures.contains($0) }.map(\.rule))
            result = next
        }
        return asking
    }

    // MARK: Counting

    private mutating func count(_ result: RoutingResult) {
        for rule in reading { tally[rule, default: RuleTally()].needsReading += 1 }
        for outcome in result.outcomes {
            switch outcome.kind {
            case .matched: tally[outcome.rule, default: RuleTally()].matched += 1
            case .unknown: tally[outcome.rule, default: RuleTally()].unknown += 1
            case .fault: tally[outcome.rule, default: RuleTally()].fault += 1
            case .needsMissing: tally[outcome.rule, default: RuleTally()].needsMissing += 1
            case .gapSkipped: tally[outcome.rule, default: RuleTally()].gapSkipped += 1
            }
        }
        for made in self.made {
            switch made.outcome {
            case .failure: tally[made.rule, default: RuleTally()].failures += 1
            case .delivery where made.isShadow: tally[made.rule, default: RuleTally()].shadows += 1
            case .delivery: tally[made.rule, default: RuleTally()].deliveries += 1
            }
        }
    }
}
