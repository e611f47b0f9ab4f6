import Events

/// Whether a destination, or one flow or listener of it, may be called. No clock: times are uptime milliseconds.
///
/// free → held until a time → one attempt goes first as a probe → free, or held again for longer.
struct DestinationHold {
    enum Phase: Equatable { case free, held(until: Int64), probing }

    /// Who decided, the answer itself or the rate of failures, and so how long a hold lasts that nobody gave a length.
    enum Cause { case judgement, unreachable }

    private(set) var phase = Phase.free
    private(set) var reason = ""
    private(set) var cause = Cause.judgement
    /// Wall time at which the trouble began, through all its probes.
    private(set) var since: Int64 = 0
    /// Holds one after another; each is longer than the one before.
    private(set) var level = 0
    /// It was free before the latest hold, or that brought an alarm; otherwise it only goes on.
    private(set) var isNew = false
    /// It began, or went on, with an answer that an operator has to know of.
    private(set) var isAlarm = false
    /// The receiver said how long.
    private var isAsked = false

    var isFree: Bool { phase == .free }

    var until: Int64? {
        if case .held(let until) = phase { until } else { nil }
    }

    func permits(at uptime: Int64) -> Bool {
        switch phase {
        case .free: true
        case .held(let until): uptime >= until
        case .probing: false
        }
    }

    /// An attempt starts; only when `permits`.
    ///
    /// - Returns: whether it is the probe.
    mutating func started() -> Bool {
        guard phase != .free else { return false }
        precondition(phase != .probing, "a second probe")
        phase = .probing
        return true
    }

    /// - Parameter asked: a length the receiver asked for.
    /// - Returns: whether something changed that others should know.
    mutating func hold(
        _ cause: Cause = .judgement, reason: String, isAlarm: Bool = false, asked: Int64?, isProbe: Bool, now: Moment,
        policy: RetryPolicy, random: inout Jitter
    ) -> Bool {
        // Attempts that were under way when the hold began say nothing new, unless they ask for longer.
        if phase != .free && !isProbe {
            guard let until, let asked, now.uptime + asked > until else { return false }
            phase = .held(until: now.uptime + asked)
            isAsked = true
            isNew = isAlarm && !self.isAlarm
            if isNew { self.reason = reason }
            self.isAlarm = isAlarm
            return true
        }
        let isFirst = phase == .free
        if isFirst { since = now.wall }
        isNew = isFirst || (isAlarm && !self.isAlarm)
        self.isAlarm = isAlarm
        level += 1
        let wait = asked ?? length(cause, policy)
        let jitter = Int64.random(in: 0...max(1, min(wait / 10, 10_000)), using: &random)
        phase = .held(until: now.uptime + wait + jitter)
        self.reason = reason
        self.cause = cause
        isAsked = asked != nil
        return true
    }

    /// Does not wait any longer for the next probe, unless the receiver said how long it wants.
    mutating func probeNow(_ now: Moment, evenAsked: Bool = false) {
        if case .held(let until) = phase, evenAsked || !isAsked { phase = .held(until: min(until, now.uptime)) }
    }

    /// The probe told nothing.
    mutating func probeAgain(_ now: Moment) {
        if phase == .probing { phase = .held(until: now.uptime) }
    }

    /// A delivery went through.
    ///
    /// - Returns: whether that ended a hold.
    mutating func delivered(isProbe: Bool) -> Bool {
        if phase == .free { level = 0 }
        guard isProbe else { return false }
        level = 0
        phase = .free
        return true
    }

    /// The receiver answered, but not with yes: it is there, the trouble is the delivery's own.
    ///
    /// - Returns: whether that ended a hold.
    mutating func answered(isProbe: Bool) -> Bool {
        guard isProbe else { return false }
        phase = .free
        return true
    }

    private func length(_ cause: Cause, _ policy: RetryPolicy) -> Int64 {
        switch cause {
        case .judgement: RetryPolicy.doubled(policy.holdBase, times: level - 1, ceiling: policy.holdCeiling)
        case .unreachable:
            RetryPolicy.doubled(policy.unreachableBase, times: level - 1, ceiling: policy.unreachableCeiling)
        }
    }
}

/// A hold that began, was prolonged, or ended; `target` nil means the whole destination.
enum HoldChange: Equatable {
    case held(target: String?, reason: String, until: Int64, cause: DestinationHold.Cause, isNews: Bool, isAlarm: Bool)
    case released(target: String?)
}
