import Events
import Store
import Testing

@testable import Relay

@Suite struct RetryPolicyTests {
    private let policy = RetryPolicy()

    private func progress(_ attempts: Int, first: Int64 = 0, held: Bool = false) -> DeliveryProgress {
        var progress = DeliveryProgress()
        for number in 0..<attempts {
            progress.append(
                AttemptRecord(number: number + 1, at: first, status: 500, reason: "no"), startedAt: first, held: held)
        }
        return progress
    }

    private func verdict(
        _ outcome: AttemptOutcome, _ progress: DeliveryProgress, _ limits: RetryLimits = RetryLimits(), wall: Int64 = 0
    ) -> RetryPolicy.Verdict {
        var random = Jitter(seed: 7)
        return policy.verdict(
            on: outcome, progress: progress, limits: limits, elapsed: wall - (progress.firstAttemptAt ?? wall), random: &random)
    }

    @Test(arguments: [(1, 1_000), (2, 2_000), (5, 16_000), (9, 256_000), (10, 300_000), (60, 300_000)])
    func `back-off uses all of zero to its bound and never more`(attempt: Int, bound: Int64) {
        var random = Jitter(seed: UInt64(attempt))
        let waits = (0..<2_000).map { _ in policy.backOff(attempt: attempt, random: &random) }
        #expect(waits.min()! >= 0 && waits.min()! < bound / 20)
        #expect(waits.max()! <= bound && waits.max()! > bound - bound / 20)
    }

    @Test func `Retry-After is a lower bound, and bounded itself`() {
        guard case .wait(let short) = verdict(.retry(.busy, after: .seconds(7)), progress(1)) else {
            Issue.record("no wait")
            return
        }
        #expect((7_000...8_000).contains(short))
        guard case .wait(let long) = verdict(.retry(.busy, after: .seconds(1_000_000)), progress(1)) else {
            Issue.record("no wait")
            return
        }
        #expect(long <= policy.longestAsked + 1_000)
    }

    @Test func `the last attempt is made when the horizon is reached`() {
        let limits = RetryLimits(horizonMilliseconds: 60_000)
        for _ in 0..<50 {
            guard case .wait(let wait) = verdict(.retry(.busy, after: nil), progress(20), limits, wall: 59_000) else {
                Issue.record("no wait")
                return
            }
            #expect(wait <= 1_000)
        }
        guard case .dead(.exhausted, _) = verdict(.retry(.busy, after: nil), progress(20), limits, wall: 60_000)
        else {
            Issue.record("not dead")
            return
        }
    }

    @Test func `a hold counts for the horizon but not for the number of attempts`() {
        let few = RetryLimits(horizonMilliseconds: 3_600_000, maximumAttempts: 2)
        #expect(verdict(.hold(.down, scope: .target, for: nil), progress(9, held: true), few)
            == .hold(.target, milliseconds: nil))
        guard case .dead(.exhausted, _) = verdict(.retry(.busy, after: nil), progress(2), few) else {
            Issue.record("not dead")
            return
        }
        guard
            case .dead(.exhausted, _) = verdict(
                .hold(.down, scope: .destination, for: nil), progress(1, held: true), few, wall: 3_600_000)
        else {
            Issue.record("not dead")
            return
        }
    }

    @Test func `onError decides what becomes of a parked delivery`() {
        let note = AttemptNote(status: 400, reason: "bad field")
        #expect(verdict(.park(note), progress(1)) == .dead(.rejected, detail: "bad field"))
        #expect(verdict(.park(note), progress(1), RetryLimits(onError: .drop)) == .dropped(detail: "bad field"))
        guard case .pause(let wait) = verdict(.park(note), progress(1), RetryLimits(onError: .pause)) else {
            Issue.record("no wait")
            return
        }
        #expect(wait >= policy.pause)
    }

    @Test func `a clock set back does not bring the end nearer`() {
        guard case .wait = verdict(.retry(.busy, after: nil), progress(1, first: 10_000_000), wall: 5) else {
            Issue.record("no wait")
            return
        }
    }
}
