import Events
import Foundation
import Rules
import Synchronization

/// Loading 10,000 rules, what they take of memory, and one edited file among them; a condition and a body by themselves.
struct RulesLoadBench {
    static let ruleCount = 10_000
    /// The file that is edited holds so many.
    static let editedRules = 10

    func bars() throws -> [RulesTable.Bar] {
        try load() + edit() + expressions()
    }

    func load() throws -> [RulesTable.Bar] {
        let files = RulesShape.spread.files(Self.ruleCount)
        let before = AllocationCounter.bytesInUse
        let start = BenchClock.threadSeconds()
        let set = try RulesBench.load(files)
        let seconds = BenchClock.threadSeconds() - start
        let bytes = AllocationCounter.bytesInUse - before
        let text = files.reduce(0) { $0 + $1.bytes.count }
        return withExtendedLifetime(set) {
            [
                RulesTable.Bar(
                    "full load, \(Self.ruleCount) rules, \(RulesTable.number(Double(text) / 1e6)) MB", seconds, atMost: 3,
                    " s"),
                RulesTable.Bar("memory, \(Self.ruleCount) compiled rules", Double(bytes) / 1e6, atMost: 25, " MB"),
            ]
        }
    }

    // MARK: One file edited

    /// What the other thread hands over.
    private final class Exchange: @unchecked Sendable {
        // Written before `isReady` is set with release, read after it is seen with acquire.
        var set: RuleSet?
        var seconds = 0.0
        var failure: (any Error)?
        let isReady = Atomic(false)
    }

    /// Matches events on this thread while another loads the edited set, takes it between two events, goes on. The best
    /// of some rounds, since other processes' work is not ours.
    private func edit() throws -> [RulesTable.Bar] {
        let workload = try RulesWorkload()
        let events = try workload.decode(workload.events(RulesBench.eventCount, oneEntity: false))
        let cache = LintCache()
        var matcher = RuleMatcher(try RulesBench.load(files(edit: 0), cache))
        let quiet = times(&matcher, events) { $1 >= 5 * events.count }
        var seconds = Double.infinity
        var busy = Double.infinity
        for round in 1...RulesBench.passes {
            let one = try swap(&matcher, events, files(edit: round), cache)
            seconds = min(seconds, one.seconds)
            busy = min(busy, one.percentile99)
        }
        return [
            RulesTable.Bar(
                "one file of \(Self.editedRules) rules edited among \(Self.ruleCount), until active", seconds * 1_000,
                atMost: 300, " ms"),
            RulesTable.Bar("p99 during the swap", busy, atMost: 2 * quiet, " µs"),
        ]
    }

    private func swap(
        _ matcher: inout RuleMatcher, _ events: [Event], _ files: [RuleSource], _ cache: LintCache
    ) throws -> (seconds: Double, percentile99: Double) {
        let exchange = Exchange()
        Thread.detachNewThread {
            let start = BenchClock.nanoseconds()
            do { exchange.set = try RulesBench.load(files, cache) } catch { exchange.failure = error }
            exchange.seconds = Double(BenchClock.nanoseconds() - start) / 1e9
            exchange.isReady.store(true, ordering: .releasing)
        }
        var swappedAt: Int?
        let busy = times(&matcher, events) { matcher, count in
            if swappedAt == nil, exchange.isReady.load(ordering: .acquiring) {
                swappedAt = count
                if let set = exchange.set { matcher = RuleMatcher(set) }
            }
            return swappedAt.map { count > $0 + 2 * events.count } ?? false
        }
        if let failure = exchange.failure { throw failure }
        return (exchange.seconds, busy)
    }

    /// - Parameter isEnough: asked before each event, with the count of those that were matched.
    /// - Returns: the 99th percentile of an event's microseconds.
    private func times(
        _ matcher: inout RuleMatcher, _ events: [Event], until isEnough: (inout RuleMatcher, Int) -> Bool
    ) -> Double {
        let lanes = events.map { IndexLane($0)! }
        var times: [Double] = []
        times.reserveCapacity(1 << 20)
        var count = 0
        while !isEnough(&matcher, count) {
            let index = count % events.count
            let start = BenchClock.nanoseconds()
            _ = matcher.match(events[index], lanes[index])
            times.append(Double(BenchClock.nanoseconds() - start) / 1_000)
            count += 1
        }
        times.sort()
        return times[times.count * 99 / 100]
    }

    /// - Parameter edit: makes the last file another one each time.
    private func files(edit: Int) -> [RuleSource] {
        var numbers = BenchNumbers(seed: 99)
        var text = "sluice: 1\nrules:\n"
        for number in 0..<Self.editedRules {
            text += RulesShape.hot.rule(edit * Self.editedRules + number, &numbers)
        }
        return RulesShape.spread.files(Self.ruleCount - Self.editedRules)
            + [RuleSource(path: "edited.yaml", bytes: Array(text.utf8))]
    }

    // MARK: One condition, one body

    private func expressions() throws -> [RulesTable.Bar] {
        let workload = try RulesWorkload()
        let text = """
            sluice: 1
            vars: {large: 10000.0}
            destinations: {hook: {kind: webhook, url: 'https://hooks.example.com/salesforce'}}
            rules:
              - id: condition
                match: {entity: Object0__c, change: [update]}
                when: "'Field0__c' in header.changedFields && record.Field0__c == 'Option 1' && record.Field1__c >= 1.0"
                to: {destination: hook, body: {}}
              - id: body
                match: {entity: Object0__c, change: [create]}
                needs: {fields: [OwnerId]}
                when: "record.Field1__c >= 0.0"
                to:
                  destination: hook
                  body:
                    data:
                      opportunityId: ${recordId}
                      name: ${record.Field2__c}
                      amount: ${record.Field1__c}
                      closeDate: ${record.?Field6__c}
                      nextStep: ${record.?Field4__c}
                      account: {id: "${sf.id18(record.OwnerId)}"}
                      wonAt: ${event.time}
                      headline: Won ${record.Field2__c} for ${'%.2f'.format([record.Field1__c])}
            """
        let bare = """
            sluice: 1
            rules:
              - id: bare
                match: {entity: Object0__c, change: [create]}
                when: "record.Field1__c >= 0.0"
                to: {destination: hook, body: {}}
            """
        let set = try RulesBench.load([
            RuleSource(path: "bare.yaml", bytes: Array(bare.utf8)), RuleSource(path: "rules.yaml", bytes: Array(text.utf8)),
        ])
        let events = try workload.decode(workload.events(RulesBench.eventCount, oneEntity: true))
        return [try condition(set, events), try body(set, events)]
    }

    private func condition(_ set: RuleSet, _ events: [Event]) throws -> RulesTable.Bar {
        let scan = LinearScan(set)
        guard
            let (event, lane) = events.lazy.compactMap({ event in IndexLane(event).map { (event, $0) } })
                .first(where: { scan.match($0.0, $0.1) == [1] })
        else { throw BenchError(reason: "no event of the workload meets the condition") }
        let times = 100_000
        var best = Double.infinity
        for _ in 0..<RulesBench.passes {
            let start = BenchClock.threadSeconds()
            guard scan.evaluate(rule: 1, event, lane, times: times) == times else {
                throw BenchError(reason: "the condition changed its mind")
            }
            best = min(best, BenchClock.threadSeconds() - start)
        }
        return RulesTable.Bar("one condition of three clauses", best * 1e6 / Double(times), atMost: 0.5, " µs")
    }

    /// What the body adds: routing the same event to the same destination with and without one.
    private func body(_ set: RuleSet, _ events: [Event]) throws -> RulesTable.Bar {
        guard let event = events.first(where: { set.route($0, now: 0).deliveries.count == 2 }) else {
            throw BenchError(reason: "no event of the workload gives two deliveries")
        }
        let both = routing(event, by: set)
        let bare = routing(event, by: set.keepingRules { $0 == "bare.yaml" })
        let bodied = routing(event, by: set.keepingRules { $0 == "rules.yaml" })
        print("an event routed: to one delivery with a body \(RulesTable.number(bodied)) µs, without one "
            + "\(RulesTable.number(bare)) µs, to both \(RulesTable.number(both)) µs")
        return RulesTable.Bar("a body of eight values, to bytes", bodied - bare, atMost: 10, " µs")
    }

    /// Microseconds.
    private func routing(_ event: Event, by set: RuleSet) -> Double {
        let times = 10_000
        var best = Double.infinity
        for _ in 0..<RulesBench.passes {
            let start = BenchClock.threadSeconds()
            for _ in 0..<times { _ = set.route(event, now: 0) }
            best = min(best, BenchClock.threadSeconds() - start)
        }
        return best * 1e6 / Double(times)
    }
}
