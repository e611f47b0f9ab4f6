import Events
import Testing

@testable import IntegratorIO

@Suite struct FlowRunPlanTests {
    @Test func `one claim becomes one run, whose window is saved before it is posted`() {
        var world = FlowRunWorld()
        world.claim("a")
        world.live(for: 120_000)
        #expect(world.log == ["flow", "latest", "save", "post", "save", "poll", "poll", "poll", "save", "finish 1"])
        #expect(world.done.keys.sorted() == ["a"])
        #expect(world.problems == [])
        let start = FlowRunWorld.start
        #expect(world.windows == [(start - 300_000)...(start + 10_000)])
        #expect(world.disk?.covered == start + 10_000)
    }

    @Test func `nothing happens before it was quiet`() {
        var world = FlowRunWorld()
        for index in 0..<5 {
            world.claim("c\(index)")
            world.live(for: 9_000)
        }
        #expect(world.posts == 0)
        world.live(for: 60_000)
        #expect(world.posts == 1)
        #expect(world.done.count == 5)
    }

    @Test func `claims that keep coming run at the latest after the maximum`() {
        var world = FlowRunWorld()
        for index in 0..<70 {
            world.claim("c\(index)")
            world.live(for: 1_000)
        }
        #expect(world.posts == 1)
        #expect(world.jobs.first?.createdAt == FlowRunWorld.start + 60_000)
    }

    @Test func `many claims run at once`() {
        var world = FlowRunWorld()
        for index in 0..<3 { world.claim("c\(index)", limit: 3) }
        world.live(for: 1)
        #expect(world.posts == 1)
    }

    @Test func `while a run is open others wait, and the next window leaves no gap`() {
        var world = FlowRunWorld()
        world.duration = 200_000
        world.claim("a")
        world.live(for: 30_000)
        for index in 0..<20 {
            world.claim("b\(index)")
            world.live(for: 5_000)
        }
        world.live(for: 900_000)
        #expect(world.posts == 2)
        #expect(world.done.count == 21)
        #expect(world.windows[1].lowerBound <= world.windows[0].upperBound)
        #expect(world.problems == [])
    }

    @Test func `a long idle flow is covered without a gap`() {
        var world = FlowRunWorld()
        world.claim("a")
        world.live(for: 3_600_000)
        world.claim("b")
        world.live(for: 3_600_000)
        #expect(world.windows[1].lowerBound == world.windows[0].upperBound - 300_000)
    }

    @Test func `a late event widens the window to the past`() {
        var world = FlowRunWorld()
        world.claim("a")
        world.live(for: 3_600_000)
        let past = FlowRunWorld.start - 7_200_000
        world.claim("late", from: past, until: past)
        world.live(for: 3_600_000)
        #expect(world.windows[1].lowerBound == past - 300_000)
        #expect(world.problems == [])
    }

    @Test func `events ahead of our clock are covered, and the operator hears of the clock`() {
        var world = FlowRunWorld()
        let ahead = FlowRunWorld.start + 600_000
        world.claim("a", from: ahead, until: ahead)
        world.live(for: 120_000)
        #expect(world.windows.first?.upperBound == ahead + 1000)
        #expect(world.notices.contains { $0.level == .alarm && $0.text.contains("clock") })
        #expect(world.problems == [])
    }

    @Test func `sources are united, and all wins`() {
        var world = FlowRunWorld()
        world.claim("a", exports: ["x"])
        world.claim("b", exports: ["y", "x"])
        world.live(for: 10_001)
        #expect(world.disk?.run?.exports == ["x", "y"])
        var all = FlowRunWorld()
        all.claim("a", exports: ["x"])
        all.claim("b")
        all.live(for: 10_001)
        #expect(all.disk?.run?.exports == [])
    }

    @Test func `somebody else's run is waited for`() {
        var world = FlowRunWorld()
        world.foreignRun(lasting: 300_000)
        world.claim("a")
        world.live(for: 290_000)
        #expect(world.posts == 0)
        world.live(for: 300_000)
        #expect(world.done.count == 1)
        #expect(world.problems == [])
    }

    @Test func `a busy flow is left alone until its run has ended`() {
        var world = FlowRunWorld()
        world.postFaults = [.status(.busy), .status(.busy)]
        world.claim("a")
        world.live(for: 300_000)
        #expect(world.posts == 3)
        #expect(world.done.count == 1)
        #expect(world.disk?.failures == 0)
        #expect(world.disk?.failingSince == nil)
    }

    @Test(arguments: [IntegratorJob.Status.failed, .canceled])
    func `claims of a run that failed wait for the next one`(_ ending: IntegratorJob.Status) {
        var world = FlowRunWorld()
        world.endings = [ending, ending]
        world.claim("a")
        world.live(for: 600_000)
        #expect(world.posts == 3)
        #expect(world.done.count == 1)
        #expect(world.disk?.failures == 0)
        #expect(world.problems == [])
    }

    @Test func `after five failures there is an alarm and slow retries`() {
        var world = FlowRunWorld()
        world.endings = Array(repeating: .failed, count: 100)
        world.claim("a")
        world.live(for: 3_600_000)
        #expect(world.notices.contains { $0.level == .alarm && $0.text.contains("5 times in a row") })
        let posts = world.posts
        world.live(for: 3_600_000)
        #expect((1...2).contains(world.posts - posts))
        #expect(world.done.isEmpty && world.dead.isEmpty)
    }

    @Test func `a job that is gone is run again`() {
        var world = FlowRunWorld()
        world.claim("a")
        world.live(for: 12_000)
        world.jobs[0].isGone = true
        world.live(for: 300_000)
        #expect(world.posts == 2)
        #expect(world.done.count == 1)
    }

    @Test func `records that failed inside integrator.io do not bring the claims back`() {
        var plan = FlowRunPlan(flow: "f", state: .open(["j"]), at: 0, seed: 1)
        #expect(plan.next(at: 0) == .pollJob("j"))
        plan.apply(.polled(.success(IntegratorJob(id: "j", status: .completed, errors: 3, successes: 4))), at: 0)
        guard case .notice(let notice) = plan.next(at: 0) else {
            Issue.record("a report is expected")
            return
        }
        #expect(notice.level == .warning)
        #expect(notice.text.contains("4 records, 3 errors"))
        guard case .save(let state) = plan.next(at: 0) else {
            Issue.record("a save is expected")
            return
        }
        #expect(state.run == nil)
        plan.apply(.saved, at: 0)
        #expect(plan.next(at: 0) == .finish(["a"]))
    }

    @Test func `a credential that is refused while a run goes on is not shown again at once`() {
        var plan = FlowRunPlan(flow: "f", state: .open(["j"]), at: 0, seed: 1)
        plan.apply(
            .polled(.failure(FlowRunPlan.Trouble(kind: .credential, reason: "401", retryAfter: nil))), at: 1_000)
        guard case .notice(let notice) = plan.next(at: 1_000) else {
            Issue.record("a notice is expected")
            return
        }
        #expect(notice.level == .alarm && notice.text.contains("401"))
        #expect(plan.next(at: 1_000) == .wait(until: 901_000))
        #expect(plan.next(at: 901_000) == .pollJob("j"))
    }

    @Test func `an answer about another job ends nothing, and is asked for again a while later`() {
        var plan = FlowRunPlan(flow: "f", state: .open(["j"]), at: 0, seed: 1)
        plan.apply(.polled(.success(IntegratorJob(id: "other", status: .completed))), at: 0)
        guard case .notice(let notice) = plan.next(at: 0) else {
            Issue.record("a notice is expected")
            return
        }
        #expect(notice.text.contains("asked for job j") && notice.text.contains("another one: other"))
        guard case .wait(let until?) = plan.next(at: 0) else {
            Issue.record("a wait is expected")
            return
        }
        #expect(until > 0 && plan.next(at: until) == .pollJob("j"))
    }

    @Test func `counts that nothing has are still added up`() throws {
        let json = #"{"_id":"j","status":"completed","numError":9223372036854775807,"numSuccess":-5}"#
        let job = try #require(IntegratorJob(try JSONReader.parse(Array(json.utf8))))
        #expect(job.errors == 1 << 40 && job.successes == 0)
        var plan = FlowRunPlan(flow: "f", state: .open(["j", "k"]), at: 0, seed: 1)
        plan.apply(.polled(.success(job)), at: 0)
        var other = job
        other.id = "k"
        plan.apply(.polled(.success(other)), at: 0)
        guard case .notice(let notice) = plan.next(at: 0) else {
            Issue.record("a report is expected")
            return
        }
        #expect(notice.text.contains("\(1 << 41) errors"))
    }

    @Test func `a run with several jobs ends when all have`() {
        var plan = FlowRunPlan(flow: "f", state: .open(["j", "k"]), at: 0, seed: 1)
        plan.apply(.polled(.success(IntegratorJob(id: "j", status: .completed))), at: 0)
        #expect(plan.next(at: 0) == .pollJob("k"))
        plan.apply(.polled(.success(IntegratorJob(id: "k", status: .failed))), at: 0)
        guard case .notice(let notice) = plan.next(at: 0) else {
            Issue.record("a notice is expected")
            return
        }
        #expect(notice.text.contains("run k of flow f failed at its source"))
    }

    @Test func `a clock that is set while waiting makes nothing wait longer`() {
        var world = FlowRunWorld()
        world.claim("a")
        world.live(for: 5_000)
        world.now -= 3_600_000
        world.plan.clockMoved(by: -3_600_000)
        world.live(for: 5_001)
        #expect(world.posts == 1)
    }

    @Test func `a claim that comes twice counts once`() {
        var world = FlowRunWorld()
        world.claim("a")
        world.plan.add(world.pending[0], at: world.now)
        world.live(for: 12_000)
        #expect(world.disk?.run?.claims == ["a"])
    }

    @Test func `a claim of the last completed run is done at once when it comes again`() {
        var world = FlowRunWorld()
        world.claim("a")
        let claim = world.pending[0]
        world.live(for: 120_000)
        world.pending = [claim]
        world.done = [:]
        world.crash()
        world.live(for: 120_000)
        #expect(world.posts == 1)
        #expect(world.done.keys.sorted() == ["a"])
    }

    @Test func `more claims than fit go into the next run`() {
        var limits = FlowRunLimits()
        limits.claimsPerRun = 2
        var world = FlowRunWorld(limits: limits)
        for index in 0..<5 { world.claim("c\(index)", limit: 5) }
        world.live(for: 600_000)
        #expect(world.posts == 3)
        #expect(world.done.count == 5)
        #expect(world.problems == [])
    }

    @Test func `the state survives its JSON`() throws {
        var world = FlowRunWorld()
        world.claim("a", exports: ["x"])
        world.live(for: 12_000)
        let state = try #require(world.disk)
        #expect(state.run?.jobs == ["job0"])
        #expect(try FlowRunState(json: state.json()) == state)
    }

    @Test func `the status tells the phase`() {
        var world = FlowRunWorld()
        #expect(world.plan.status.phase == .idle)
        world.claim("a")
        #expect(world.plan.status.phase == .gathering(until: FlowRunWorld.start + 10_000))
        world.live(for: 11_000)
        #expect(world.plan.status.phase == .running(jobs: ["job0"]))
        #expect(world.plan.status.claimed == 1)
    }
}
