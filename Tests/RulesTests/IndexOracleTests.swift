import Events
import Testing

@testable import Rules

/// The index and the linear scan agree on every rule and event.
@Suite struct IndexOracleTests {
    static let fixedSeed: UInt64 = 20_261_122
    /// Once found what it should not have: a component beside the one that a rule needs.
    static let siblingSeed: UInt64 = 567_504_001
    private static let ruleCount = 300
    private static let eventCount = 200

    @Test(arguments: [fixedSeed, UInt64.random(in: 0...UInt64(UInt32.max))])
    func `an indexed set finds the rules that the linear scan finds`(seed: UInt64) throws {
        print("index oracle: seed \(seed), \(Self.ruleCount * Self.eventCount * 2) pairs")
        let set = try Self.ruleSet(seed)
        let indexed = set.lookup
        let matcher = IndexMatcher(indexed.index)
        let scan = LinearScan(set)
        let events = try IndexEvents()
        var numbers = SeededNumbers(seed: seed)
        var tally = Tally()
        for _ in 0..<Self.eventCount {
            let event = try events.event(&numbers)
            var named = event
            // The same, without slots.
            named.record = KnownFields(event.record.known())
            for event in [event, named] {
                let lane = try #require(IndexLane(event))
                let expected = Set(scan.match(event, lane))
                let found = Self.found(set, indexed, matcher, event, lane)
                #expect(found.matches == expected, "\(event) \(Self.difference(set, found.matches, expected))")
                tally.add(expected.count, found.candidates, set.rules.count)
            }
        }
        #expect(tally.matches > 500, "hardly anything matched: \(tally)")
        #expect(tally.candidates < tally.pairs / 4, "the index hardly narrows: \(tally)")
    }

    @Test(arguments: [fixedSeed, siblingSeed, UInt64.random(in: 0...UInt64(UInt32.max))])
    func `a rule that a fetch could make true is found before the fetch`(seed: UInt64) throws {
        print("index oracle, fetched fields: seed \(seed)")
        let set = try Self.ruleSet(seed)
        let matcher = IndexMatcher(set.lookup.index)
        let events = try IndexEvents()
        var numbers = SeededNumbers(seed: seed)
        var completed = 0
        for _ in 0..<Self.eventCount {
            let event = try events.event(&numbers)
            let lane = try #require(IndexLane(event))
            let count = matcher.match(event, lane)
            let found = Set((0..<count).map { matcher[$0] })
            let fetched = try Self.fetched(events, &numbers)
            for (number, rule) in set.rules.enumerated() where rule.needs?.missing == .fetch {
                var full = event
                let names = Set(rule.needs!.fields.map { $0.path[0] })
                full.record = CompletedRecord(
                    told: event.record, fetched: Fields(fetched.fields.filter { names.contains($0.name) }))
                if Self.isMatch(rule, number, full, lane) {
                    completed += 1
                    #expect(found.contains(number), "\(rule.when?.source.text ?? "") on \(event)")
                }
            }
        }
        #expect(completed > 0)
    }

    @Test func `gap events that were read back are matched as what they stand for`() throws {
        let set = try Self.ruleSet(Self.fixedSeed)
        let indexed = set.lookup
        let matcher = IndexMatcher(indexed.index)
        let events = try IndexEvents()
        var numbers = SeededNumbers(seed: 5)
        var matches = 0
        for _ in 0..<Self.eventCount {
            var event = try events.event(&numbers)
            guard let gap = ChangeKind(event), gap.underlying != nil else { continue }
            event.record = KnownFields(try Self.fetched(events, &numbers))
            event.fetched = true
            let lane = IndexLane(fetched: gap)
            let expected = Set(LinearScan(set).match(event, lane))
            #expect(Self.found(set, indexed, matcher, event, lane).matches == expected)
            matches += expected.count
        }
        #expect(matches > 20)
    }

    // MARK: Both sides

    private struct Tally {
        var pairs = 0
        var matches = 0
        var candidates = 0

        mutating func add(_ matches: Int, _ candidates: Int, _ rules: Int) {
            pairs += rules
            self.matches += matches
            self.candidates += candidates
        }
    }

    private static func ruleSet(_ seed: UInt64) throws -> RuleSet {
        var conditions = IndexConditions(seed: seed)
        var rules: [Rule] = []
        // One by one, since lint refuses what can never be true.
        for number in 0..<ruleCount {
            let text = """
                sluice: 1
                vars: {limit: 2.0, alias: prod, words: [a, abc]}
                destinations: {hook: {kind: webhook, url: 'https://hooks.example.com/x'}}
                rules:
                """ + "\n" + conditions.rule("r\(number)")
            let report = Lint.check([RuleSource(path: "rules.yaml", bytes: Array(text.utf8))])
            if let set = report.ruleSet { rules += set.rules }
        }
        try #require(rules.count > ruleCount / 2, "most rules were refused")
        return RuleSet(rules: rules, destinations: [:], hash: "")
    }

    private static func found(
        _ set: RuleSet, _ indexed: IndexedRules, _ matcher: IndexMatcher, _ event: Event, _ lane: IndexLane
    ) -> (matches: Set<Int>, candidates: Int) {
        let count = matcher.match(event, lane)
        let evaluation = Evaluation(event, now: event.receivedAt)
        let numbers = (0..<count).map { matcher[$0] }
        #expect(numbers == numbers.sorted() && Set(numbers).count == count)
        let matches = numbers.filter { number in
            let rule = set.rules[number]
            let residual = indexed.residual(number)
            evaluation.begin(rule, event, EventRole(change: event.change, reading: lane.reading))
            if residual.needsMatch, !rule.match.concerns(event) || !rule.match.holds(event, evaluation.changes) {
                return false
            }
            guard let program = residual.program else { return true }
            if case .isTrue = program.condition(evaluation.frame) { return true }
            return false
        }
        return (Set(matches), count)
    }

    private static func isMatch(_ rule: Rule, _ number: Int, _ event: Event, _ lane: IndexLane) -> Bool {
        let one = RuleSet(rules: [rule], destinations: [:], hash: "")
        return !LinearScan(one).match(event, lane).isEmpty
    }

    /// Every field of some record.
    private static func fetched(_ events: IndexEvents, _ numbers: inout SeededNumbers) throws -> Fields {
        while true {
            let event = try events.event(&numbers)
            if event.change == "create" { return event.record.known() }
        }
    }

    private static func difference(_ set: RuleSet, _ found: Set<Int>, _ expected: Set<Int>) -> String {
        found.symmetricDifference(expected).map { number in
            let rule = set.rules[number]
            return "\(expected.contains(number) ? "missed" : "wrong") \(rule.match) \(rule.when?.source.text ?? "")"
        }.joined(separator: "\n")
    }
}
