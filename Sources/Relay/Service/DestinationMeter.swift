/// How deliveries to one destination go: attempts by outcome, how long they took, and how many succeed per second. No
/// clocks: times are passed in.
package struct DestinationMeter: Sendable, Equatable {
    package enum Outcome: Int, Sendable, CaseIterable {
        case delivered, retry, held, parked, nothing

        package var word: String {
            switch self {
            case .delivered: "delivered"
            case .retry: "retry"
            case .held: "held"
            case .parked: "dead"
            case .nothing: "not_due"
            }
        }
    }

    /// Upper bounds of the buckets, milliseconds; one more is for all above.
    package static let bounds: [Int64] = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000]
    /// The rate is a mean over so many seconds.
    static let rateSeconds = 10

    package private(set) var outcomes = [Int](repeating: 0, count: Outcome.allCases.count)
    /// Attempts by duration, not cumulated.
    package private(set) var buckets = [Int](repeating: 0, count: bounds.count + 1)
    package private(set) var totalMilliseconds: Int64 = 0
    private var ring = [Int](repeating: 0, count: rateSeconds)
    /// The second that the ring's last entry stands for.
    private var second: Int64 = 0

    package init() {}

    package func count(_ outcome: Outcome) -> Int { outcomes[outcome.rawValue] }

    /// - Parameters:
    ///   - milliseconds: nil for claims that a run covered, which is no time that a call took.
    ///   - second: of a clock that never goes back.
    package mutating func attempted(_ outcome: Outcome, milliseconds: Int64?, second: Int64) {
        outcomes[outcome.rawValue] += 1
        if let milliseconds {
            buckets[Self.bounds.firstIndex { milliseconds <= $0 } ?? Self.bounds.count] += 1
            totalMilliseconds += milliseconds
        }
        guard outcome == .delivered else { return }
        roll(to: second)
        ring[Int(second) % Self.rateSeconds] += 1
    }

    /// Deliveries per second over the last whole seconds.
    package func rate(second: Int64) -> Double {
        var copy = self
        copy.roll(to: second)
        let current = copy.ring[Int(second) % Self.rateSeconds]
        return Double(copy.ring.reduce(0, +) - current) / Double(Self.rateSeconds - 1)
    }

    private mutating func roll(to now: Int64) {
        guard now > second else { return }
        for passed in 1...min(now - second, Int64(Self.rateSeconds)) {
            ring[Int((now - passed + 1) % Int64(Self.rateSeconds))] = 0
        }
        second = now
    }
}
