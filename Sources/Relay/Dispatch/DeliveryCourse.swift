import Events
import Store

/// What the dispatcher's policy makes of one delivery that has its destination to itself: attempts, back-off, holds and
/// their end, without queues. For rehearsals, where the clock is turned by hand.
package struct DeliveryCourse: Sendable {
    package enum Step: Sendable, Equatable {
        case delivered
        case again(afterMilliseconds: Int64)
        /// The rule says `onError: pause`.
        case paused
        case dead(String)
        case dropped(String)
    }

    private let limits: RetryLimits
    private let policy: RetryPolicy
    private var progress = DeliveryProgress()
    private var destinationHold = DestinationHold()
    private var targetHold = DestinationHold()
    private var random: Jitter

    /// - Parameter seed: of the jitter, so that a rehearsal can be repeated.
    package init(limits: RetryLimits, policy: RetryPolicy = RetryPolicy(), seed: UInt64) {
        self.limits = limits
        self.policy = policy
        random = Jitter(seed: seed)
    }

    /// The number of the attempt that comes next, from 1.
    package private(set) var nextAttempt = 1

    /// The attempt was made, and this came of it.
    package mutating func apply(_ outcome: AttemptOutcome, at now: Moment) -> Step {
        let number = nextAttempt
        nextAttempt += 1
        if case .delivered = outcome { return .delivered }
        var isHold = false
        if case .hold = outcome { isHold = true }
        let note = outcome.note
        progress.append(
            AttemptRecord(
                number: number, at: now.wall, status: note.status, reason: note.reason, excerpt: note.excerpt,
                possibleDuplicate: note.possibleDuplicate),
            startedAt: now.wall, held: isHold)
        let verdict = policy.verdict(
            on: outcome, progress: progress, limits: limits, elapsed: now.wall - (progress.firstAttemptAt ?? now.wall),
            random: &random)
        switch verdict {
        case .delivered: return .delivered
        case .wait(let milliseconds): return .again(afterMilliseconds: milliseconds)
        case .pause: return .paused
        case .hold(let scope, let asked): return .again(afterMilliseconds: hold(scope, asked, note, now))
        case .dead(_, let detail): return .dead(detail)
        case .dropped(let detail), .nothing(let detail): return .dropped(detail)
        }
    }

    private mutating func hold(_ scope: HoldScope, _ asked: Int64?, _ note: AttemptNote, _ now: Moment) -> Int64 {
        var hold = scope == .destination ? destinationHold : targetHold
        let isProbe = !hold.isFree && hold.permits(at: now.uptime) && hold.started()
        _ = hold.hold(
            reason: note.reason, asked: asked, isProbe: isProbe, now: now, policy: policy, random: &random)
        if scope == .destination { destinationHold = hold } else { targetHold = hold }
        return max(0, (hold.until ?? now.uptime) - now.uptime)
    }
}
