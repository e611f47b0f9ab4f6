import HeapModule
import Testing

@testable import Relay

/// The limit against receivers of different kinds, in simulated time.
@Suite struct AdaptiveLimitTests {
    /// Answers attempts; knows how many are under way.
    private protocol Receiver {
        /// - Returns: when the answer to an attempt that begins `now` comes, in milliseconds, and whether it is a yes.
        mutating func answer(now: Double, inFlight: Int, random: inout Jitter) -> (at: Double, isGood: Bool)
    }

    /// So many servers, a queue before them.
    private struct Slow: Receiver {
        var servers: [Double]
        var service: Double

        init(servers: Int, service: Double) {
            self.servers = [Double](repeating: 0, count: servers)
            self.service = service
        }

        mutating func answer(now: Double, inFlight: Int, random: inout Jitter) -> (at: Double, isGood: Bool) {
            let first = servers.indices.min { servers[$0] < servers[$1] }!
            let end = max(now, servers[first]) + service * Double.random(in: 0.8...1.2, using: &random)
            servers[first] = end
            return (end, true)
        }
    }

    /// Takes any number at once, each in the same time.
    private struct Patient: Receiver {
        var service: Double

        mutating func answer(now: Double, inFlight: Int, random: inout Jitter) -> (at: Double, isGood: Bool) {
            (now + service * Double.random(in: 0.95...1.05, using: &random), true)
        }
    }

    /// Well up to a number of requests at once; beyond it, slower by the square and failing more and more.
    private struct Collapsing: Receiver {
        var most: Int
        var service: Double
        /// Until then it is down altogether.
        var downUntil = 0.0

        mutating func answer(now: Double, inFlight: Int, random: inout Jitter) -> (at: Double, isGood: Bool) {
            guard now >= downUntil else { return (now + 1, false) }
            let excess = max(0, Double(inFlight - most) / Double(most))
            let isGood = Double.random(in: 0...1, using: &random) >= min(0.9, excess * 4)
            return (now + service * (1 + 40 * excess * excess), isGood)
        }
    }

    private struct Event: Comparable {
        var at: Double
        var began: Double
        var isGood: Bool

        static func < (left: Event, right: Event) -> Bool { left.at < right.at }
    }

    private struct Report {
        var good = 0
        var bad = 0
        /// Mean of the limit over the attempts counted.
        var limits = 0
        var last = 0

        var meanLimit: Double { Double(limits) / Double(max(1, good + bad)) }
    }

    /// Keeps as many attempts under way as the limit says, all the time.
    ///
    /// - Parameter counted: milliseconds of which the report tells.
    private func run(
        _ receiver: inout some Receiver, limit: inout AdaptiveLimit, counted: Range<Double>, seed: UInt64 = 1,
        offered: Int = .max
    ) -> Report {
        var random = Jitter(seed: seed)
        var events = Heap<Event>()
        var now = 0.0
        var report = Report()
        while now < counted.upperBound {
            while events.count < min(limit.limit, offered) {
                let answer = receiver.answer(now: now, inFlight: events.count + 1, random: &random)
                events.insert(Event(at: answer.at, began: now, isGood: answer.isGood))
            }
            let inFlight = events.count
            let event = events.removeMin()
            now = event.at
            limit.finished(milliseconds: Int64(now - event.began), isOverload: !event.isGood, inFlight: inFlight)
            guard counted.contains(now) else { continue }
            if event.isGood { report.good += 1 } else { report.bad += 1 }
            report.limits += limit.limit
        }
        report.last = limit.limit
        return report
    }

    @Test(arguments: [(1, 50.0), (4, 200.0), (32, 50.0), (100, 20.0)])
    func `a slow receiver is kept busy, without a queue much longer than it serves at once`(
        servers: Int, service: Double
    ) {
        var receiver = Slow(servers: servers, service: service)
        var limit = AdaptiveLimit()
        let report = run(&receiver, limit: &limit, counted: 60_000..<120_000)
        let most = Double(servers) * 60_000 / service
        #expect(Double(report.good) >= 0.93 * most, "\(report) of \(most)")
        #expect(report.meanLimit <= Double(servers) * 2 + 3, "\(report)")
    }

    @Test func `a receiver that is only far away gets as many at once as may be`() {
        var receiver = Patient(service: 1_000)
        var limit = AdaptiveLimit()
        let report = run(&receiver, limit: &limit, counted: 20_000..<120_000)
        #expect(report.last >= 128, "\(report)")
        #expect(Double(report.good) >= 0.9 * 256 * 100, "\(report)")
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `a receiver that collapses is kept below where it does`(seed: UInt64) {
        var receiver = Collapsing(most: 40, service: 50)
        var limit = AdaptiveLimit()
        let report = run(&receiver, limit: &limit, counted: 30_000..<150_000, seed: seed)
        let best = 40.0 * 120_000 / 50
        #expect(Double(report.good) >= 0.75 * best, "\(report) of \(best)")
        #expect(Double(report.bad) <= 0.02 * Double(report.good), "\(report)")
        // What it is judged against: a fixed number that is too high.
        var second = receiver
        var random = Jitter(seed: seed)
        let (at, _) = second.answer(now: 0, inFlight: 128, random: &random)
        #expect(at > 50 * 100)
    }

    @Test func `after an outage the limit is soon what it was`() {
        var receiver = Collapsing(most: 40, service: 50)
        var limit = AdaptiveLimit()
        _ = run(&receiver, limit: &limit, counted: 0..<60_000)
        let before = limit.limit
        receiver.downUntil = 5_000
        let down = run(&receiver, limit: &limit, counted: 4_000..<5_000)
        #expect(down.last <= 2, "\(down)")
        receiver.downUntil = 0
        let after = run(&receiver, limit: &limit, counted: 0..<5_000)
        #expect(after.last >= before / 2, "\(before) \(after)")
    }

    @Test func `a receiver that becomes slower for good is not given up`() {
        var fast = Slow(servers: 32, service: 20)
        var limit = AdaptiveLimit()
        _ = run(&fast, limit: &limit, counted: 0..<60_000)
        var slow = Slow(servers: 32, service: 200)
        let report = run(&slow, limit: &limit, counted: 240_000..<300_000)
        #expect(Double(report.good) >= 0.8 * 32 * 60_000 / 200, "\(report)")
    }

    @Test func `a limit that is not used up does not grow`() {
        var receiver = Patient(service: 50)
        var limit = AdaptiveLimit()
        let report = run(&receiver, limit: &limit, counted: 0..<60_000, offered: 6)
        #expect(report.last <= 8)
    }

    @Test func `the limit stays within its bounds, whatever happens`() {
        for seed in 1...50 as ClosedRange<UInt64> {
            var random = Jitter(seed: seed)
            var limit = AdaptiveLimit()
            for _ in 0..<5_000 {
                limit.finished(
                    milliseconds: Int64.random(in: 0...20_000, using: &random),
                    isOverload: Int.random(in: 0..<4, using: &random) == 0,
                    inFlight: Int.random(in: 1...256, using: &random))
                #expect(Concurrency.bounds.contains(limit.limit))
            }
        }
    }
}
