/// Finds how many attempts at once a receiver takes well, from how long it needs and how often it fails. No clock.
///
/// As TCP does: doubling up to a threshold, then one more each round; less by a part when attempts fail, and less in
/// proportion when they take longer than the receiver needs at its best. A round is as many attempts as the limit
/// allows at once. Now and then one round runs at half the limit, so that what "at its best" means is measured anew
/// and not taken from a queue that we made ourselves.
struct AdaptiveLimit: Sendable, Equatable {
    static let start = 4
    /// Attempts may take so many times the best latency, and so much more, before there are fewer of them.
    static let tolerance = 1.5
    static let slackMilliseconds = 5.0
    /// This share of failures is too much; then the limit shrinks to `decrease` of itself.
    static let failureShare = 0.1
    static let decrease = 0.7
    /// Rounds between two measurements of the best latency.
    static let roundsToMeasure = 100
    static let leastRound = 4
    /// Near the limit at which attempts failed last, it grows only once in so many rounds.
    static let nearness = 0.85
    static let caution = 10

    private struct Round: Equatable {
        var count = 0
        var failures = 0
        var milliseconds = 0.0
        /// Most attempts at once.
        var peak = 0

        var mean: Double { milliseconds / Double(max(1, count - failures)) }
    }

    private var exact = Double(start)
    private var threshold = Double(Concurrency.bounds.upperBound)
    private var round = Round()
    private var rounds = 0
    private var best: Double?
    private var isFailing = false
    /// The limit at which attempts failed last, until it is passed without harm.
    private var failedAt: Double?
    private var cautiousRounds = 0
    /// The limit to go back to after the round that measures.
    private var measuredFrom: Double?
    /// Attempts that began under an earlier limit, and say nothing of this one.
    private var stale = 0

    /// 1…256.
    var limit: Int { Int(exact) }

    /// An attempt ended.
    ///
    /// - Parameters:
    ///   - isOverload: no answer, one of 5xx, or a request to slow down. Other refusals are answers as good as any.
    ///   - inFlight: attempts under way, this one included.
    mutating func finished(milliseconds: Int64, isOverload: Bool, inFlight: Int) {
        guard stale == 0 else {
            stale -= 1
            return
        }
        round.count += 1
        round.peak = max(round.peak, inFlight)
        if isOverload { round.failures += 1 } else { round.milliseconds += Double(milliseconds) }
        guard round.count >= max(limit, Self.leastRound) else { return }
        let ended = round
        round = Round()
        rounds += 1
        judge(ended, inFlight)
    }

    private mutating func judge(_ round: Round, _ inFlight: Int) {
        if Double(round.failures) > Self.failureShare * Double(round.count) { return fail(inFlight) }
        isFailing = false
        if let from = measuredFrom {
            measuredFrom = nil
            measured(round.mean, from: from)
            return
        }
        let best = min(best ?? round.mean, round.mean)
        self.best = best
        let bearable = best * Self.tolerance + Self.slackMilliseconds
        if round.mean > bearable {
            threshold = shrink(to: exact * max(0.5, bearable / round.mean), inFlight)
        } else if round.peak >= limit {
            grow()
        }
        if rounds >= Self.roundsToMeasure, measuredFrom == nil { measure(inFlight) }
    }

    private mutating func grow() {
        if let failedAt, exact + 1 > failedAt * Self.nearness {
            cautiousRounds += 1
            guard cautiousRounds >= Self.caution else { return }
            cautiousRounds = 0
            if exact > failedAt { self.failedAt = nil }
        }
        let next = exact < threshold ? min(exact * 2, threshold) : exact + 1
        exact = min(next, Double(Concurrency.bounds.upperBound))
    }

    /// The threshold is that of the first of several bad rounds: after an outage, growing back is quick.
    private mutating func fail(_ inFlight: Int) {
        if let from = measuredFrom { exact = from }
        measuredFrom = nil
        let failed = exact
        let less = shrink(to: failed * Self.decrease, inFlight)
        if !isFailing {
            failedAt = failed
            cautiousRounds = 0
            threshold = less
        }
        isFailing = true
    }

    @discardableResult
    private mutating func shrink(to less: Double, _ inFlight: Int) -> Double {
        exact = max(Double(Concurrency.bounds.lowerBound), less)
        stale = max(0, inFlight - 1)
        return exact
    }

    private mutating func measure(_ inFlight: Int) {
        rounds = 0
        measuredFrom = exact
        shrink(to: exact / 2, inFlight)
    }

    private mutating func measured(_ mean: Double, from before: Double) {
        // Slower by itself, not because of us: what was learned under the old latency does not hold.
        if let best, mean > best * Self.tolerance { threshold = Double(Concurrency.bounds.upperBound) }
        best = mean
        exact = before
    }
}
