/// The time that is left until Salesforce drops an event that is not relayed yet: it keeps them for 72 hours.
package struct ReplayHeadroom: Sendable, Equatable {
    package enum Level: Int, Sendable, Comparable {
        case ample, low, critical

        package static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    package static let low: Int64 = 24 * 3_600_000
    package static let critical: Int64 = 6 * 3_600_000

    /// Never below zero, where events may be gone already.
    package let milliseconds: Int64

    /// What follows the position was committed after it, so at least this is left.
    package init(position: Position, now: Int64) {
        milliseconds = min(max(ResumePlan.retention - (now - position.time), 0), ResumePlan.retention)
    }

    package var level: Level {
        if milliseconds < Self.critical { return .critical }
        return milliseconds < Self.low ? .low : .ample
    }
}

/// Says once that the headroom shrinks below a bound, and again only after it was larger for good. No clock.
struct HeadroomAlarm: Sendable {
    /// So much above a bound counts as larger for good.
    static let margin: Int64 = 3_600_000

    private(set) var level = ReplayHeadroom.Level.ample

    /// - Returns: what is news: the new level, if it is worse than the one before.
    mutating func next(_ headroom: ReplayHeadroom) -> ReplayHeadroom.Level? {
        if headroom.level > level {
            level = headroom.level
            return level
        }
        switch level {
        case .critical where headroom.milliseconds > ReplayHeadroom.critical + Self.margin: level = headroom.level
        case .low where headroom.milliseconds > ReplayHeadroom.low + Self.margin: level = headroom.level
        default: break
        }
        return nil
    }
}
