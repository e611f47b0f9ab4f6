import Events
import Relay
import Rules

/// Plays one test: the events come along a clock that is turned by hand, the rules route them, gathered ones are closed
/// when they are due, and the relay's own sinks make the requests, which a recorder answers.
///
/// Bounded by `maximumTurns` and `maximumMilliseconds`; what is not done by then stays pending.
final class Rehearsal {
    static let maximumTurns = 100_000
    static let maximumMilliseconds: Int64 = 40 * 86_400_000
    /// Salesforce sends an empty answer after so long without events.
    static let keepalive: Int64 = 270_000
    private static let maximumReads = 8

    /// What a test made of the rules.
    struct Result {
        /// In the order in which they were made.
        var deliveries: [SentDelivery] = []
        var shadows: [SentDelivery] = []
        var failures: [RoutingFailure] = []
        /// Per rule, the last one.
        var outcomes: [String: RuleOutcome] = [:]
        /// In the order in which they first matched.
        var matched: [String] = []
    }

    let test: TestCase
    let rules: RuleSet
    let clock: TestClock
    private(set) var result = Result()
    private let sinks: TestSinks
    private let observe: (Event, Int64, RoutingFacts) -> Void
    private var nextStep = 0
    private var idleAt: Int64 = .max
    private var lanes = TestLanes()
    private var batches = TestBatches()
    private var runs: TestRuns

    /// - Parameter observe: sees each event with the facts it was routed by, for coverage.
    init(
        _ test: TestCase, rules: RuleSet, secrets: [String: String],
        observe: @escaping (Event, Int64, RoutingFacts) -> Void
    ) {
        self.test = test
        self.rules = rules
        self.observe = observe
        clock = TestClock(start: test.start)
        sinks = TestSinks(test, rules: rules, secrets: secrets, clock: clock)
        runs = TestRuns(sinks: sinks, clock: clock)
    }

    /// - Throws: when a value of the test cannot be what its schema wants, or a destination cannot be called at all.
    func play() async throws -> Result {
        for _ in 0..<Self.maximumTurns {
            guard let due = nextDue, due <= Self.maximumMilliseconds else { break }
            clock.uptime = max(clock.uptime, due)
            try await turn()
        }
        result.deliveries = lanes.sent.filter { !$0.isShadow }.map(\.delivery)
        result.shadows = lanes.sent.filter(\.isShadow).map(\.delivery)
        return result
    }

    private var nextDue: Int64? {
        let step = nextStep < test.steps.count ? test.steps[nextStep].at : nil
        let idle = batches.isGathering ? idleAt : nil
        return [step, idle, lanes.due, batches.due, runs.due].compactMap { $0 }.min()
    }

    private func turn() async throws {
        while nextStep < test.steps.count, test.steps[nextStep].at <= clock.uptime {
            let step = test.steps[nextStep]
            nextStep += 1
            idleAt = clock.uptime + Self.keepalive
            for event in step.events { try await route(event) }
        }
        if clock.uptime >= idleAt {
            batches.idle()
            idleAt = .max
        }
        try await attempt()
        for closed in batches.closed(at: clock.uptime) { close(closed) }
        try await attempt()
        try await runs.pump(&lanes)
    }

    // MARK: Routing

    private func route(_ event: Event) async throws {
        batches.saw(event)
        let (routed, facts) = try answered(event)
        observe(event, clock.wall, facts)
        for outcome in routed.outcomes where outcome.deliveryIndex == nil {
            result.outcomes[outcome.rule] = outcome
            if outcome.kind == .matched, !result.matched.contains(outcome.rule) { result.matched.append(outcome.rule) }
        }
        result.failures += routed.failures
        for delivery in routed.deliveries { take(delivery) }
        for delivery in routed.shadows { lanes.add(delivery, batch: nil, isShadow: true, at: clock.uptime) }
    }

    /// Routes, and answers what the rules ask for, as the relay would by reading.
    private func answered(_ event: Event) throws -> (RoutingResult, RoutingFacts) {
        var facts = RoutingFacts()
        var routed = rules.routeByScan(event, now: clock.wall, facts: facts)
        var wanted: Set<RoutingWant> = []
        for _ in 0..<Self.maximumReads where !routed.wants.isEmpty {
            wanted.formUnion(routed.wants)
            let records = wanted.compactMap { if case .record(let fields) = $0 { fields } else { nil } }
            if !records.isEmpty { facts.record = try record(of: event, records) }
            for case .flows(let owner) in wanted { facts.flows[owner] = .found(test.flows[owner.user] ?? []) }
            routed = rules.routeByScan(event, now: clock.wall, facts: facts)
        }
        // Deliveries come through the index, as in the relay; outcomes of rules that it leaves out come from the scan.
        var result = rules.route(event, now: clock.wall, facts: facts)
        result.outcomes = routed.outcomes
        return (result, facts)
    }

    /// What a read of the record gives: fields that were asked for and are not listed are empty.
    private func record(of event: Event, _ wanted: [RecordFields]) throws -> RoutingFacts.Record {
        guard let node = test.records[event.recordID] else { return .unavailable }
        guard !node.isNull else { return .gone }
        var fields = try test.typing.fields(node, of: event.entity)
        for want in wanted {
            switch want {
            case .all: for name in test.typing.fieldNames(of: event.entity) ?? [] where fields[name] == nil {
                fields.append(name, .null)
            }
            case .some(let names): for name in names where fields[name] == nil { fields.append(name, .null) }
            }
        }
        return .read(fields)
    }

    private func take(_ delivery: Delivery) {
        switch delivery.target {
        case .batch(let claim): batches.add(delivery, claim, at: clock.uptime)
        case .run(let request): runs.add(delivery, request)
        case .webhook, .flow, .listener: lanes.add(delivery, batch: nil, isShadow: false, at: clock.uptime)
        }
    }

    // MARK: Sending

    private func close(_ closed: TestBatches.Closed) {
        var open = 0
        for part in rules.close(closed.claims, now: clock.wall) {
            switch part.batch {
            case .delivery(let delivery):
                open += 1
                lanes.add(delivery, batch: closed.key, isShadow: false, at: clock.uptime)
            case .failure(let failure): result.failures.append(failure)
            case .noRule: preconditionFailure("the rules do not change during a test")
            }
        }
        batches.started(closed.key, deliveries: open)
    }

    private func attempt() async throws {
        while let index = lanes.ready(at: clock.uptime) {
            let delivery = lanes.sent[index].source
            sinks.http.turn(to: delivery.destination)
            let sink = try sinks.ready(delivery.destination).sink
            let outcome = await sink.attempt(delivery, number: lanes.sent[index].course.nextAttempt)
            let ended = lanes.attempted(index, outcome, sinks.http.requests, now: clock.now)
            if ended, let batch = lanes.sent[index].batch { batches.ended(batch) }
        }
    }
}
