import Events

/// The org's API calls of the last 24 hours, as `Sforce-Limit-Info` tells with every answer.
package struct APIUsage: Sendable, Equatable {
    /// More calls than any org has in a day.
    private static let most = 1_000_000_000_000

    package let used: Int
    package let maximum: Int

    package init(used: Int, maximum: Int) {
        self.used = used
        self.maximum = maximum
    }

    /// `api-usage=18/5000`, possibly followed by `; per-app-api-usage=…`.
    package init?(header: String) {
        for part in header.split(whereSeparator: { $0 == ";" || $0 == "," }) {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, pair[0].filter({ $0 != " " }) == "api-usage" else { continue }
            let numbers = pair[1].filter { $0 != " " }.split(separator: "/")
            guard numbers.count == 2, let used = Int(numbers[0]), let maximum = Int(numbers[1].prefix { $0.isNumber }),
                (0...Self.most).contains(used), (1...Self.most).contains(maximum)
            else { return nil }
            self.init(used: used, maximum: maximum)
            return
        }
        return nil
    }
}

/// Which call may start: no more at once than allowed, and never past the configured share of the org's day.
struct CallBudget {
    enum Verdict: Equatable {
        /// Counted as running.
        case go
        /// When a running call ends.
        case queue
        /// Not before that; a call then tells whether there is room again.
        case wait(Duration)
    }

    /// Between calls that only ask whether there is room again.
    static let probeInterval: Duration = .seconds(900)
    /// A day of them; kept back from the share so that not even they exceed it.
    static let probeReserve = 96
    static let longestHold: Duration = .seconds(3600)

    let share: Double
    let concurrency: Int
    private(set) var usage: APIUsage?
    private(set) var running = 0
    /// Ended without telling the usage, though Salesforce may have counted them.
    private var unreported = 0
    /// Answers come without the header: a test server, or an org without limits.
    private var isUntold = false
    private(set) var heldUntil: Duration?
    private var holds = 0
    private var lastProbe: Duration?

    init(share: Double, concurrency: Int) {
        precondition(share > 0 && share <= 1 && concurrency > 0, "a share is above 0 and at most 1")
        self.share = share
        self.concurrency = concurrency
    }

    mutating func start(at now: Duration) -> Verdict {
        if let heldUntil, now < heldUntil { return .wait(heldUntil - now) }
        // Until the first answer tells how much is left, one call at a time.
        guard running < (usage == nil && !isUntold ? 1 : concurrency) else { return .queue }
        guard let usage else { return go() }
        let limit = Int(Double(usage.maximum) * share)
        let counted = usage.used + running + unreported
        if counted + 1 <= limit - min(Self.probeReserve, limit / 10) {
            lastProbe = nil
            return go()
        }
        if running > 0 { return .queue }
        let next = (lastProbe ?? now) + Self.probeInterval
        guard lastProbe != nil, now >= next else {
            lastProbe = lastProbe ?? now
            return .wait(next - now)
        }
        lastProbe = now
        return go()
    }

    /// - Parameter answered: Salesforce answered at all.
    mutating func finished(_ usage: APIUsage?, answered: Bool) {
        running -= 1
        precondition(running >= 0, "more calls ended than started")
        guard let usage else {
            if answered, self.usage == nil { isUntold = true } else { unreported += 1 }
            return
        }
        // Answers overtake one another: a lower number counts only when no other call is under way.
        if running == 0 || usage.used >= self.usage?.used ?? 0 { self.usage = usage }
        unreported = 0
        holds = 0
    }

    /// Salesforce said that a limit is reached. Doubled each time in a row.
    mutating func hold(for pause: Duration, at now: Duration) {
        heldUntil = now + min(pause * (1 << min(holds, 6)), Self.longestHold)
        holds += 1
    }

    private mutating func go() -> Verdict {
        running += 1
        return .go
    }
}
