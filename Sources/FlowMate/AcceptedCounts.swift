import FoundationEssentials

/// What the webhooks of one FlowMate took, by day and flow, for a comparison with what it executed. Pure.
///
/// Counts and the last request IDs are kept together: after a crash what was not kept is counted when it comes again,
/// and what was kept is not counted twice. So the counts are never too high.
package struct AcceptedCounts: Sendable, Equatable, Codable {
    package struct Day: Sendable, Equatable, Codable {
        /// By flow.
        package var flows: [String: Int64] = [:]
        package var isChecked = false
        /// What the comparison found, in words.
        package var shortfalls: [String] = []
    }

    /// Days that are kept.
    static let keptDays = 8
    /// Of one day; further flows are not counted.
    static let maximumFlows = 20_000
    /// More than can be under way when a process ends.
    static let recentIDs = 1_024
    /// A day is compared so long after its end, when what it took has run.
    package static let grace: Int64 = 6 * 3_600_000
    static let dayMilliseconds: Int64 = 86_400_000

    private static let currentVersion = 1
    private var version = currentVersion
    /// By number of days since 1970, UTC.
    private var days: [Int64: Day] = [:]
    /// The oldest first.
    private var recent: [String] = []
    /// The same, to ask.
    private var known: Set<String> = []

    private enum CodingKeys: String, CodingKey { case version, days, recent }

    package init() {}

    /// - Returns: nil for text that is no saved state of this version; counting then begins anew.
    package init?(json: [UInt8]) {
        guard let saved = try? JSONDecoder().decode(Self.self, from: Data(json)),
            saved.version == Self.currentVersion
        else { return nil }
        self = saved
        known = Set(recent)
    }

    package var json: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return (try? encoder.encode(self)).map(Array.init) ?? []
    }

    /// A webhook answered with FlowMate's receipt.
    ///
    /// - Parameter at: epoch milliseconds.
    package mutating func accept(flow: String, requestID: String, at: Int64) {
        guard known.insert(requestID).inserted else { return }
        if recent.count >= 2 * Self.recentIDs {
            known.subtract(recent.prefix(Self.recentIDs))
            recent.removeFirst(Self.recentIDs)
        }
        recent.append(requestID)
        let number = Self.day(at)
        if days[number] == nil {
            days[number] = Day()
            for old in Array(days.keys) where old <= number - Int64(Self.keptDays) { days[old] = nil }
        }
        // In place: a copy of many flows for each delivery would be felt.
        let isFull = days[number].map { $0.flows.count >= Self.maximumFlows && $0.flows[flow] == nil } ?? false
        if !isFull { days[number]?.flows[flow, default: 0] += 1 }
    }

    /// Days that are over and were not compared yet, the oldest first.
    package func due(at now: Int64) -> [Int64] {
        days.keys.filter { day in
            days[day]?.isChecked == false && (day + 1) * Self.dayMilliseconds + Self.grace <= now
        }.sorted()
    }

    /// - Parameter days: both included.
    package func accepted(_ days: ClosedRange<Int64>) -> [String: Int64] {
        self.days.filter { days.contains($0.key) }.values.reduce(into: [:]) { sum, day in
            sum.merge(day.flows, uniquingKeysWith: +)
        }
    }

    package mutating func checked(_ day: Int64, shortfalls: [String]) {
        days[day]?.isChecked = true
        days[day]?.shortfalls = shortfalls
    }

    /// By day, the newest first.
    package var all: [(day: Int64, counts: Day)] {
        days.sorted { $0.key > $1.key }.map { ($0.key, $0.value) }
    }

    /// Days since 1970, UTC.
    package static func day(_ at: Int64) -> Int64 { at / dayMilliseconds }

    /// Begin of a day, epoch milliseconds.
    package static func start(_ day: Int64) -> Int64 { day * dayMilliseconds }
}
