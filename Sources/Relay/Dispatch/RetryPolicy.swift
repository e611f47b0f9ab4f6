import Store
import Events

/// When to try again, and when to stop. Milliseconds throughout.
package struct RetryPolicy: Sendable {
    /// Back-off of a lane: full jitter between zero and `base` × 2^(attempt − 1), never above `ceiling`.
    package var base: Int64 = 1_000
    package var ceiling: Int64 = 300_000
    /// Back-off of a hold: doubles from `holdBase`, with a tenth of jitter.
    package var holdBase: Int64 = 30_000
    package var holdCeiling: Int64 = 900_000
    /// Back-off of a hold on a receiver that cannot be reached: short, so that it is noticed when it is back.
    package var unreachableBase: Int64 = 1_000
    package var unreachableCeiling: Int64 = 30_000
    /// Between tries of a delivery whose rule says `onError: pause`. Its lane waits; others go on.
    package var pause: Int64 = 900_000
    /// The most that a receiver's `Retry-After` can ask for.
    package var longestAsked: Int64 = 24 * 3_600_000

    package init() {}

    enum Verdict: Equatable {
        case delivered
        case wait(milliseconds: Int64)
        /// The rule says `onError: pause`: the lane stands, and is looked at again after this.
        case pause(milliseconds: Int64)
        case hold(HoldScope, milliseconds: Int64?)
        case dead(DeadLetter.Reason, detail: String)
        /// There was nothing to deliver.
        case nothing(detail: String)
        case dropped(detail: String)
    }

    /// - Parameters:
    ///   - progress: with the attempt in question.
    ///   - elapsed: since the first attempt began.
    func verdict(
        on outcome: AttemptOutcome, progress: DeliveryProgress, limits: RetryLimits, elapsed: Int64,
        random: inout Jitter
    ) -> Verdict {
        switch outcome {
        case .delivered: return .delivered
        case .nothing(let note): return .nothing(detail: note.reason)
        case .park(let note) where note.isForAnother: return .dead(.rejected, detail: note.reason)
        case .park(let note): return end(.rejected, note.reason, limits, &random)
        case .retry(let note, _):
            if let most = note.mostInARow, progress.answersInARow(of: note.status) >= most {
                return end(.rejected, note.reason, limits, &random)
            }
        case .hold: break
        }
        if let detail = exhausted(progress, limits, elapsed: elapsed) {
            return end(.exhausted, "\(detail); last: \(outcome.note.reason)", limits, &random)
        }
        switch outcome {
        case .hold(_, let scope, let asked): return .hold(scope, milliseconds: asked.map(bounded))
        case .retry(_, let asked?): return .wait(milliseconds: bounded(asked) + jitter(1_000, &random))
        default:
            let wait = backOff(attempt: progress.attempts - progress.heldAttempts, random: &random)
            // The last attempt is made when the horizon is reached, not up to five minutes after it.
            return .wait(milliseconds: min(wait, limits.horizonMilliseconds - elapsed))
        }
    }

    /// - Parameter attempt: 1 after the first attempt.
    func backOff(attempt: Int, random: inout Jitter) -> Int64 {
        jitter(Self.doubled(base, times: attempt - 1, ceiling: ceiling), &random)
    }

    static func doubled(_ base: Int64, times: Int, ceiling: Int64) -> Int64 {
        min(ceiling, base << Int64(min(max(times, 0), 30)))
    }

    private func jitter(_ most: Int64, _ random: inout Jitter) -> Int64 {
        Int64.random(in: 0...most, using: &random)
    }

    func bounded(_ asked: Duration) -> Int64 { min(max(0, asked.milliseconds), longestAsked) }

    private func exhausted(_ progress: DeliveryProgress, _ limits: RetryLimits, elapsed: Int64) -> String? {
        if elapsed >= limits.horizonMilliseconds {
            return "not delivered in \(Self.words(elapsed)) and \(progress.attempts) attempts"
        }
        if let maximum = limits.maximumAttempts, progress.attempts - progress.heldAttempts >= maximum {
            return "not delivered in \(progress.attempts) attempts"
        }
        return nil
    }

    private func end(
        _ reason: DeadLetter.Reason, _ detail: String, _ limits: RetryLimits, _ random: inout Jitter
    ) -> Verdict {
        switch limits.onError {
        case .deadletter: .dead(reason, detail: detail)
        case .drop: .dropped(detail: detail)
        case .pause: .pause(milliseconds: pause + jitter(pause / 10, &random))
        }
    }

    private static func words(_ milliseconds: Int64) -> String {
        switch milliseconds {
        case ..<120_000: "\(milliseconds / 1000) s"
        case ..<7_200_000: "\(milliseconds / 60_000) min"
        default: "\(milliseconds / 3_600_000) h"
        }
    }
}
