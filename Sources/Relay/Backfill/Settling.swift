import Events
import Store

/// When the marks of a backfill are not needed any more: no event can come that is older than what was handed over. No
/// clocks: times are passed in, epoch milliseconds.
struct Settling {
    /// Salesforce publishes an event some time after its commit.
    static let publishing: Int64 = 600_000
    /// Salesforce keeps no event longer than 72 hours; with an hour for clocks.
    static let retention: Int64 = 73 * 3_600_000

    let endedAt: Int64

    /// - Parameter reached: of each topic that may carry the object: up to which commit time everything has passed.
    func isOver(reached: [Int64?], now: Int64) -> Bool {
        if now - endedAt >= Self.retention { return true }
        return now - endedAt >= Self.publishing && reached.allSatisfy { ($0 ?? .min) >= endedAt + Self.publishing }
    }
}
