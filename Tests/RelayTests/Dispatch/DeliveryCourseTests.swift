import Events
import Relay
import Testing

@Suite struct DeliveryCourseTests {
    private let limits = RetryLimits(horizonMilliseconds: 3_600_000)

    /// Goes on with the same outcome until the course ends.
    private func run(
        _ outcome: AttemptOutcome, _ limits: RetryLimits
    ) -> (DeliveryCourse.Step, attempts: Int, at: Int64) {
        var course = DeliveryCourse(limits: limits, seed: 7)
        var now: Int64 = 0
        for attempt in 1...10_000 {
            let step = course.apply(outcome, at: Moment(uptime: now, wall: 1_000_000 + now))
            guard case .again(let milliseconds) = step else { return (step, attempt, now) }
            now += max(1, milliseconds)
        }
        return (.paused, 10_000, now)
    }

    @Test func `a yes ends it`() {
        let (step, attempts, _) = run(.delivered(AttemptNote(reason: "accepted")), limits)
        #expect(step == .delivered)
        #expect(attempts == 1)
    }

    @Test func `what can never succeed dies at once`() {
        let (step, attempts, _) = run(.park(AttemptNote(status: 400, reason: "no")), limits)
        #expect(step == .dead("no"))
        #expect(attempts == 1)
    }

    @Test func `retries end with the horizon`() {
        let (step, attempts, at) = run(.retry(AttemptNote(status: 503, reason: "not well"), after: nil), limits)
        guard case .dead(let reason) = step else { return #expect(Bool(false), "it did not die: \(step)") }
        #expect(reason.hasSuffix("last: not well"))
        #expect(at == 3_600_000)
        #expect(attempts > 10)
    }

    @Test func `a limit of attempts ends it sooner, and a pause never does`() {
        let outcome = AttemptOutcome.retry(AttemptNote(status: 503, reason: "not well"), after: nil)
        let few = RetryLimits(horizonMilliseconds: 3_600_000, maximumAttempts: 3)
        #expect(run(outcome, few).attempts == 3)
        let paused = RetryLimits(horizonMilliseconds: 3_600_000, maximumAttempts: 3, onError: .pause)
        #expect(run(outcome, paused).0 == .paused)
    }

    @Test func `holds are longer each time and end with the horizon`() {
        let note = AttemptNote(status: 404, reason: "unknown address")
        var course = DeliveryCourse(limits: limits, seed: 1)
        var waits: [Int64] = []
        var now: Int64 = 0
        let outcome = AttemptOutcome.hold(note, scope: .target, for: nil)
        while case .again(let wait) = course.apply(outcome, at: Moment(uptime: now, wall: now)) {
            waits.append(wait)
            now += wait
        }
        #expect(waits.prefix(3).map { $0 / 30_000 } == [1, 2, 4])
        #expect(now >= 3_600_000)
    }
}
