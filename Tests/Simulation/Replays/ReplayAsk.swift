import Events
import Relay

/// One replay that an operator asked for, and what it owes from then on.
struct ReplayAsk {
    let request: ReplayRequest
    /// On the machine's clock.
    let askedAt: Int64
    /// By how much the relay's clock was ahead then: a replay ends at the moment that this clock told.
    let clockLead: Int64
    /// By topic, the numbers of the events that it has to deliver at least; none where nobody can know.
    var owed: [String: Range<Int>] = [:]
    /// Of `--resend`: what was kept at that moment, and how it was sent.
    var kept: [Wanted: Set<[UInt8]>] = [:]
    /// Of a named cursor, by topic: how many events it has surely passed, and how many at most.
    var saved: [String: ClosedRange<Int>] = [:]
    var isCancelled = false
    /// The answer was an error that an operator can do nothing about; that it ran all the same is not excluded.
    var isRefused = false

    /// No two asks have the same limit and rate.
    func isOf(_ plan: ReplayPlan) -> Bool { plan.limit == request.limit && plan.rate == request.rate }

    /// Limits beyond this are names, not limits.
    static let unlimited = 1_000_000

    var limit: Int? { request.limit.flatMap { $0 < Self.unlimited ? $0 : nil } }

    func wants(_ wanted: Wanted) -> Bool {
        (request.rules.isEmpty || request.rules.contains(String(wanted.rule.prefix { $0 != ":" })))
            && (request.destinations.isEmpty || request.destinations.contains(SampleRules.destination(of: wanted.rule)))
    }

    /// Whether the chosen span has it.
    func includes(_ happening: Happening, at number: Int, _ truth: Truth) -> Bool {
        guard happening.commitTime < request.until ?? .max else { return false }
        switch request.start {
        case .earliest: return true
        case .cursor: return truth.place(of: happening.event.id).flatMap { saved[$0.topic] }.map { number >= $0.lowerBound } ?? false
        case .time(let since): return happening.commitTime >= since
        case .replayID(let id): return number >= truth.count(through: ReplayID(base64: id))
        }
    }

    /// The deliveries it owes: through the rules, and as they were sent.
    func deliveries(_ truth: Truth) -> [Wanted] {
        guard !request.isAsRendered else { return kept.keys.filter(wants).sorted { $0.key < $1.key } }
        // Counted by what comes, and nobody knows how often something came.
        if limit != nil, truth.mayRepeat { return [] }
        var left = limit ?? .max
        var found: [Wanted] = []
        for (topic, numbers) in owed.sorted(by: { $0.key < $1.key }) {
            for number in numbers {
                let happening = truth.topics[topic]![number]
                guard !happening.isUndecodable, includes(happening, at: number, truth), left > 0 else { continue }
                left -= 1
                found += happening.wanted.filter(wants)
            }
        }
        return found
    }
}
