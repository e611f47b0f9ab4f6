import Testing

@testable import IntegratorIO

/// Whose job is it?
@Suite struct FlowRunLookupTests {
    enum Latest: CaseIterable { case missing, empty }

    @Test(arguments: Latest.allCases)
    func `a run that was lost is not taken for one of our own before it`(_ latest: Latest) {
        var world = FlowRunWorld()
        if latest == .empty { world.latestIsEmpty = true }
        world.latestTroubles = Array(repeating: .missing, count: 100)
        world.duration = 5_000
        world.postFaults = [.none, .status(.unknown)]
        world.claim("a")
        world.live(for: 60_000)
        world.claim("b")
        world.live(for: 240_000)
        #expect(world.posts == 3)
        #expect(world.done.count == 2)
        #expect(world.problems == [])
    }

    @Test func `where the latest jobs are not shown, the list says whether a run is open`() {
        var world = FlowRunWorld()
        world.latestTroubles = Array(repeating: .missing, count: 100)
        world.foreignRun(lasting: 60_000)
        world.claim("a")
        world.live(for: 59_000)
        #expect(world.posts == 0)
        world.live(for: 240_000)
        #expect(world.done.count == 1)
        #expect(world.problems == [])
    }

    @Test func `a list that is not there either pauses the flow`() {
        var world = FlowRunWorld()
        world.latestTroubles = Array(repeating: .missing, count: 100)
        world.listTroubles = [.missing]
        world.claim("a")
        world.live(for: 600_000)
        #expect(world.posts == 0)
        #expect(world.notices.contains { $0.level == .alarm && $0.text.contains("missing") })
        world.live(for: 600_000)
        #expect(world.done.count == 1)
    }

    // MARK: Answers that were lost

    @Test func `after a lost answer the run is waited for, and its window run once more`() {
        var world = FlowRunWorld()
        world.postFaults = [.answerLost]
        world.claim("a")
        world.live(for: 240_000)
        #expect(world.posts == 2)
        #expect(world.windows[1].lowerBound <= world.windows[0].lowerBound)
        #expect(world.windows[1].upperBound >= world.windows[0].upperBound)
        #expect(world.done.count == 1 && world.disk?.failures == 0)
        #expect(world.problems == [])
    }

    @Test(arguments: [IntegratorJob.Status.completed, .failed])
    func `somebody else's run does not stand for one that was lost`(_ ending: IntegratorJob.Status) {
        var world = FlowRunWorld()
        world.foreignEnding = ending
        world.postFaults = [.requestLostBesideForeignRun]
        world.claim("a", maximumRuns: 1)
        world.live(for: 240_000)
        #expect(world.posts == 2)
        #expect(world.done.count == 1)
        #expect(world.problems == [])
    }

    @Test func `a crash right after a 409 does not take the run that caused it for ours`() {
        var world = FlowRunWorld()
        world.postFaults = [.taken]
        world.claim("a")
        // flow, latest, save, post
        world.live(for: 240_000, crashAt: (3, .after))
        #expect(world.posts == 2)
        #expect(world.done.count == 1)
        #expect(world.problems == [])
    }

    @Test func `an answer that names no job is resolved by the jobs list`() {
        var world = FlowRunWorld()
        world.postFaults = [.noJobNamed]
        world.claim("a")
        world.live(for: 120_000)
        #expect(world.posts == 1)
        #expect(world.done.count == 1)
        let start = FlowRunWorld.start
        #expect(world.disk?.covered == start + 10_000)
    }

    @Test func `an accepted run of which a candidate failed is run once more`() {
        var world = FlowRunWorld()
        world.postFaults = [.noJobNamed]
        world.endings = [.failed]
        world.claim("a")
        world.live(for: 240_000)
        #expect(world.posts == 2)
        #expect(world.done.count == 1)
        #expect(world.problems == [])
    }

    @Test func `sources that are listed late are waited for`() {
        var plan = FlowRunPlan(flow: "f", state: .open([], accepted: true), at: 0, seed: 1)
        func job(_ id: String, _ status: IntegratorJob.Status) -> IntegratorJob {
            IntegratorJob(id: id, status: status, createdAt: 5)
        }
        let looks = [
            [job("j", .completed)], [job("j", .completed), job("k", .open("running"))],
            [job("j", .completed), job("k", .completed)],
        ]
        var now: Int64 = 0
        for look in looks {
            now += 60_000
            plan.apply(.listed(.success(look)), at: now)
            #expect(plan.state.run != nil)
        }
        plan.apply(.listed(.success(looks[2])), at: now + 60_000)
        #expect(plan.state.run == nil && plan.state.finished == ["a"])
        #expect(plan.state.report?.hasPrefix("run j, k of flow f completed for 1 claims") == true)
    }

    @Test func `where every answer is lost, claims are done after three runs, with an alarm and without trust`() {
        var world = FlowRunWorld()
        world.postFaults = Array(repeating: .answerLost, count: 3)
        world.claim("a")
        world.live(for: 600_000)
        #expect(world.posts == 3)
        #expect(world.done.count == 1)
        let alarm = world.notices.last { $0.level == .alarm }
        #expect(alarm?.text.contains("that its window was run is not proven, since 3 answers were lost") == true)
        #expect(world.disk?.report?.contains("not proven") == true)
        world.claim("b")
        world.live(for: 600_000)
        #expect(world.posts == 4)
        #expect(world.windows[3].lowerBound <= world.windows[0].lowerBound)
        #expect(world.problems == [])
    }

    @Test func `where every answer is lost and every run fails, that counts as failure`() {
        var world = FlowRunWorld()
        world.postFaults = Array(repeating: .answerLost, count: 100)
        world.endings = Array(repeating: .failed, count: 100)
        world.claim("a", maximumRuns: 2)
        world.live(for: 3_600_000)
        #expect(world.posts == 6)
        #expect(world.dead.keys.sorted() == ["a"])
    }

    // MARK: What is saved

    @Test func `a job that an earlier version took for the run's own is looked for anew`() throws {
        let saved = """
            {"covered":1799999999000,"failures":0,"finished":[],"nextAllowed":0,"run":{"adopted":true,"claims":["a"],
            "exports":[],"from":1799999699000,"jobs":["foreign0"],"jobsBefore":["old"],"newestBefore":1799999990000,
            "until":1800000000000,"writtenAt":1800000000000},"version":1}
            """
        var world = FlowRunWorld()
        world.foreignRun(lasting: 20_000)
        world.disk = try FlowRunState(json: Array(saved.utf8))
        world.pending = [FlowRunPlan.Claim(id: "a", request: .sample(from: FlowRunWorld.start))]
        world.crash()
        world.live(for: 240_000)
        #expect(world.posts == 1)
        #expect(world.done.count == 1)
        #expect(world.problems == [])
    }

    @Test func `only so many of our own jobs are remembered`() {
        var state = FlowRunState()
        for index in 0..<7 { state.remember(["j\(index)"], atMost: 3) }
        state.remember(["j5"], atMost: 3)
        #expect(state.lastJobs == ["j4", "j6", "j5"])
    }
}
