import ChangeEvents
import Events
import Foundation
import Rules

/// Matching rules: every shape and size through YAML, lint and compile, then 20,000 decoded events on one thread.
struct RulesBench {
    static let eventCount = 20_000
    static let passes = 5
    /// Pairs of rule and event for which the index is held against the linear scan, per shape and size.
    static let checkedPairs = 1_000_000

    /// Only these; empty for all.
    var shapes: [RulesShape] = []
    var maximumSize = 100_000
    /// Hold the index against the linear scan on every event, which takes minutes.
    var checksAll = false

    /// What one shape and size came to.
    struct Row {
        var shape: RulesShape
        var size: Int
        /// Per event.
        var microseconds: Double
        var median: Double
        var percentile99: Double
        var decodedMicroseconds: Double
        var candidates: Double
        var matches: Double
        /// Of the cost of an event, what does not depend on its matches.
        var base: Double
        var allocations: Double
        var differences: Int
    }

    /// - Returns: whether all bars are met.
    func run() throws -> Bool {
        let workload = try RulesWorkload()
        var rows: [Row] = []
        print(RulesTable.head)
        for shape in RulesShape.allCases where shapes.isEmpty || shapes.contains(shape) {
            let encoded = workload.events(Self.eventCount, oneEntity: shape.isAboutOneEntity)
            let events = try workload.decode(encoded)
            for size in shape.sizes where size <= maximumSize {
                let set = try Self.load(shape.files(size))
                var row = measure(shape, size, RuleMatcher(set), events)
                row.decodedMicroseconds = try decoded(workload, encoded, RuleMatcher(set))
                row.differences = differences(set, events)
                print(RulesTable.line(row))
                rows.append(row)
            }
        }
        let bars = RulesTable.bars(rows) + (shapes.isEmpty ? try RulesLoadBench().bars() : [])
        print("")
        for bar in bars { print(bar.text) }
        return bars.allSatisfy(\.isMet)
    }

    static func load(_ files: [RuleSource], _ cache: LintCache = LintCache()) throws -> RuleSet {
        let report = cache.check(files)
        guard let set = report.ruleSet else { throw BenchError(reason: "the rules are refused:\n\(report.text)") }
        return set
    }

    // MARK: One shape and size

    private func measure(_ shape: RulesShape, _ size: Int, _ matcher: RuleMatcher, _ events: [Event]) -> Row {
        let lanes = events.map { IndexLane($0)! }
        func pass() {
            for index in events.indices { _ = matcher.match(events[index], lanes[index]) }
        }
        pass()
        var best = Double.infinity
        for _ in 0..<Self.passes {
            let start = BenchClock.threadSeconds()
            pass()
            best = min(best, BenchClock.threadSeconds() - start)
        }
        let samples = sampled(matcher, events, lanes)
        let tally = tally(matcher, events, lanes)
        let microseconds = best * 1e6 / Double(events.count)
        return Row(
            shape: shape, size: size, microseconds: microseconds, median: samples.median,
            percentile99: samples.percentile99, decodedMicroseconds: 0, candidates: tally.candidates,
            matches: tally.matches, base: max(0.01, microseconds - samples.perMatch * tally.matches),
            allocations: tally.allocations, differences: 0)
    }

    private struct Samples {
        var median: Double
        var percentile99: Double
        /// Microseconds that one match more costs, by least squares; never more than the bar allows.
        var perMatch: Double
    }

    private func sampled(_ matcher: RuleMatcher, _ events: [Event], _ lanes: [IndexLane]) -> Samples {
        var times: [Double] = []
        var points: [(matches: Double, time: Double)] = []
        for round in 0..<Self.passes {
            for index in events.indices {
                guard (index + round * 13) % 64 == 0 else {
                    _ = matcher.match(events[index], lanes[index])
                    continue
                }
                let start = BenchClock.nanoseconds()
                let matches = matcher.match(events[index], lanes[index])
                let time = Double(BenchClock.nanoseconds() - start) / 1_000
                times.append(time)
                points.append((Double(matches), time))
            }
        }
        times.sort()
        // What the scheduler did belongs to nobody's line.
        let limit = times[times.count * 98 / 100]
        return Samples(
            median: times[times.count / 2], percentile99: times[times.count * 99 / 100],
            perMatch: min(0.1, max(0, Self.slope(points.filter { $0.time <= limit }))))
    }

    private static func slope(_ points: [(matches: Double, time: Double)]) -> Double {
        let count = Double(points.count)
        let x = points.reduce(0) { $0 + $1.matches } / count
        let y = points.reduce(0) { $0 + $1.time } / count
        let covariance = points.reduce(0) { $0 + ($1.matches - x) * ($1.time - y) }
        let variance = points.reduce(0) { $0 + ($1.matches - x) * ($1.matches - x) }
        return variance > 0 ? covariance / variance : 0
    }

    /// Candidates and matches per event, allocations per event without a match.
    private func tally(
        _ matcher: RuleMatcher, _ events: [Event], _ lanes: [IndexLane]
    ) -> (candidates: Double, matches: Double, allocations: Double) {
        var candidates = 0
        var matches = 0
        var allocations = 0
        var unmatched = 0
        for index in events.indices {
            var found = 0
            let count = AllocationCounter.count { found = matcher.match(events[index], lanes[index]) }
            candidates += matcher.candidateCount
            matches += found
            if found == 0 {
                unmatched += 1
                allocations += count
            }
        }
        let total = Double(events.count)
        return (Double(candidates) / total, Double(matches) / total, Double(allocations) / Double(max(unmatched, 1)))
    }

    /// Microseconds per event with our own decoding of its payload.
    private func decoded(
        _ workload: RulesWorkload, _ events: [(event: ConsumerEvent, schema: EventSchema)], _ matcher: RuleMatcher
    ) throws -> Double {
        var best = Double.infinity
        for _ in 0..<Self.passes {
            let start = BenchClock.threadSeconds()
            for (event, schema) in events {
                let event = try workload.decode(event, schema)
                if let lane = IndexLane(event) { _ = matcher.match(event, lane) }
            }
            best = min(best, BenchClock.threadSeconds() - start)
        }
        return best * 1e6 / Double(events.count)
    }

    /// Events for which index and linear scan do not find the same rules.
    private func differences(_ set: RuleSet, _ events: [Event]) -> Int {
        let matcher = RuleMatcher(set)
        let scan = LinearScan(set)
        let count = checksAll ? events.count : min(events.count, max(50, Self.checkedPairs / set.ruleIDs.count))
        return events.prefix(count).count { event in
            guard let lane = IndexLane(event) else { return false }
            _ = matcher.match(event, lane)
            return matcher.matches != scan.match(event, lane)
        }
    }
}

enum BenchClock {
    /// CPU time of this thread: what others do on the machine does not count.
    static func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    static func nanoseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}
