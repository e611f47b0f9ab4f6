/// Limits of the org that a relay meets, as `GET /limits` names them.
package enum OrgLimit: String, Sendable, CaseIterable {
    case apiRequests = "DailyApiRequests"
    case bulkQueryJobs = "DailyBulkV2QueryJobs"
    case deliveredEvents = "DailyDeliveredPlatformEvents"
    case publishedEvents = "HourlyPublishedPlatformEvents"
    /// Zero without the add-on.
    case eventEntitlement = "MonthlyPlatformEventsUsageEntitlement"
}

/// What the org allows, and how much of it is used up.
///
/// Use is counted from the start of the emulator. Only a limit that somebody set bars anything: with its feed, an
/// emulator uses up the allocation of a day in a day, and should go on.
struct OrgLimits: Sendable {
    struct Limit: Sendable, Equatable {
        var maximum: Int
        var used = 0
        var isEnforced = false

        var remaining: Int { max(0, maximum - used) }
    }

    private var limits: [OrgLimit: Limit] = [
        .apiRequests: Limit(maximum: 100_000), .bulkQueryJobs: Limit(maximum: 10_000),
        .deliveredEvents: Limit(maximum: 50_000), .publishedEvents: Limit(maximum: 250_000),
        .eventEntitlement: Limit(maximum: 0),
    ]

    subscript(_ name: OrgLimit) -> Limit { limits[name] ?? Limit(maximum: 0) }

    /// How much more is allowed.
    func allowance(_ name: OrgLimit) -> Int { self[name].isEnforced ? self[name].remaining : .max }

    mutating func use(_ name: OrgLimit, _ count: Int = 1) { limits[name, default: Limit(maximum: 0)].used += count }

    /// - Returns: false if the limit is reached; nothing is used then.
    mutating func take(_ name: OrgLimit) -> Bool {
        guard allowance(name) > 0 else { return false }
        use(name)
        return true
    }

    /// From now on the limit bars.
    ///
    /// - Parameters:
    ///   - maximum: nil stays as it is.
    ///   - remaining: nil is what the maximum leaves of what was used.
    mutating func set(_ name: OrgLimit, maximum: Int?, remaining: Int?) {
        var limit = self[name]
        limit.maximum = maximum ?? limit.maximum
        if let remaining { limit.used = max(0, limit.maximum - remaining) }
        limit.isEnforced = true
        limits[name] = limit
    }
}
