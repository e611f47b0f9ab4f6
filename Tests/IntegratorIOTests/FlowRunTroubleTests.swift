import Testing

@testable import IntegratorIO

@Suite struct FlowRunTroubleTests {
    @Test func `a run that stays queued behind an offline connection waits without alarm, and says why`() {
        var world = FlowRunWorld()
        world.duration = 4 * 3_600_000
        world.openWord = "queued"
        world.offline = ["'sf'"]
        world.claim("a", horizon: 60_000)
        world.live(for: 3 * 3_600_000)
        #expect(world.notices.allSatisfy { $0.level == .info })
        #expect(world.notices.contains { $0.text.contains("is queued for 2 minutes: connection 'sf' is offline") })
        #expect(world.plan.status.notice.contains("is queued for"))
        #expect(world.log.filter { $0 == "connections" }.count == 3)
        world.live(for: 2 * 3_600_000)
        #expect(world.done.count == 1 && world.posts == 1)
        #expect(world.problems == [])
    }

    @Test func `a running job is asked nothing but how it is`() {
        var world = FlowRunWorld()
        world.duration = 3_600_000
        world.claim("a")
        world.live(for: 7_200_000)
        #expect(!world.log.contains("connections"))
    }

    @Test func `the flow is looked at again before a run when ten minutes have passed`() {
        var world = FlowRunWorld()
        for id in ["a", "b"] {
            world.claim(id)
            world.live(for: 120_000)
        }
        #expect(world.log.filter { $0 == "flow" }.count == 1)
        world.live(for: 600_000)
        world.claim("c")
        world.live(for: 120_000)
        #expect(world.log.filter { $0 == "flow" }.count == 2)
        #expect(world.done.count == 3)
    }

    @Test func `a source that waits for others blocks, one that ignores windows is told once`() {
        var world = FlowRunWorld()
        var flow = IntegratorFlow(id: "f")
        flow.findings = [FlowActivation.Finding(subject: "e", problem: .passiveSource(type: "webhook"))]
        var loose = IntegratorFlow(id: "f")
        loose.findings = [FlowActivation.Finding(subject: "e", problem: .windowIgnored)]
        world.flowAnswers = [.success(flow), .success(loose), .success(loose)]
        world.claim("a")
        world.live(for: 300_000)
        #expect(world.posts == 0)
        #expect(world.notices.contains { $0.level == .alarm && $0.text.contains("waits for others to call it") })
        world.live(for: 1_800_000)
        #expect(world.done.count == 1)
        world.claim("b")
        world.live(for: 120_000)
        #expect(world.notices.filter { $0.text.contains("ignores the date window") }.count == 1)
    }

    @Test func `claims on a source that is gone do not hold up those of today`() {
        var world = FlowRunWorld()
        world.sources = ["new"]
        world.claim("a", exports: ["old"], horizon: 86_400_000)
        world.live(for: 60_000)
        #expect(world.posts == 0 && world.dead.isEmpty, "it may come back")
        #expect(world.notices.contains { $0.level == .alarm && $0.text.contains("no source old") })
        world.claim("b", exports: ["new"])
        world.live(for: 1_200_000)
        #expect(Array(world.done.keys) == ["b"])
        #expect(world.dead["a"]?.contains("no source old") == true)
        #expect(world.plan.status.notice.contains("completed"))
        #expect(world.problems == [])
    }

    @Test func `claims on a source that is not there yet wait behind the others`() {
        var world = FlowRunWorld()
        world.sources = ["here"]
        world.claim("a", exports: ["here"])
        world.claim("b", exports: ["soon"], horizon: 86_400_000)
        world.live(for: 120_000)
        #expect(Array(world.done.keys) == ["a"])
        #expect(world.dead.isEmpty)
        world.live(for: 3_600_000)
        #expect(world.posts == 1, "the flow is looked at again before each try")
        world.sources = ["here", "soon"]
        world.live(for: 1_800_000)
        #expect(world.done.count == 2)
        #expect(world.dead.isEmpty)
        #expect(world.problems == [])
    }

    @Test func `a crash at any moment of passing claims by loses none`() {
        for point in [FlowRunWorld.CrashPoint.before, .after] {
            for action in 0..<24 {
                var world = FlowRunWorld()
                world.sources = ["new"]
                for id in ["a", "c", "e"] { world.claim(id, exports: ["old"], horizon: 86_400_000) }
                for id in ["b", "d"] { world.claim(id, exports: ["new"]) }
                world.live(for: 1_200_000, crashAt: (action, point))
                #expect(Set(world.done.keys) == ["b", "d"] && Set(world.dead.keys) == ["a", "c", "e"], "\(action)")
                #expect(world.problems == [], "\(action)")
            }
        }
    }

    @Test func `what became of a run is kept with its claims`() {
        var world = FlowRunWorld()
        world.claim("a")
        world.live(for: 120_000)
        #expect(world.disk?.report == "run job0 of flow f completed for 1 claims: 0 records, 0 errors")
    }

    @Test func `a lost request is posted again after two looks`() {
        var world = FlowRunWorld()
        world.postFaults = [.requestLost]
        world.claim("a")
        world.live(for: 240_000)
        #expect(world.posts == 2)
        #expect(world.log.filter { $0 == "list" }.count == 2)
        #expect(world.done.count == 1)
        #expect(world.problems == [])
    }

    @Test func `while the jobs list fails, nothing is posted`() {
        var world = FlowRunWorld()
        world.postFaults = [.requestLost]
        world.listTroubles = Array(repeating: .unknown, count: 5) + [.rateLimited, .credential]
        world.claim("a")
        world.live(for: 1_800_000)
        #expect(world.log.filter { $0 == "list" }.count == 9)
        #expect(world.posts == 2)
        #expect(world.done.count == 1)
        #expect(world.problems == [])
    }

    @Test func `a job that was there before, or came much later, is not taken for ours`() {
        var world = FlowRunWorld()
        world.foreignRun(lasting: 1)
        world.live(for: 10)
        world.postFaults = [.requestLost]
        world.claim("a")
        world.live(for: 10_001)
        #expect(world.disk?.run?.jobsBefore == ["foreign0"])
        // The relay is down for an hour; meanwhile somebody runs the flow.
        world.now += 3_600_000
        world.foreignRun(lasting: 1)
        world.crash()
        world.live(for: 240_000)
        #expect(world.disk?.covered != nil)
        #expect(world.posts == 2)
        #expect(world.problems == [])
    }

    @Test func `a skewed clock at integrator.io costs a second look, never a claim`() {
        for skew: Int64 in [-3_600_000, -60_000, 60_000, 3_600_000] {
            var world = FlowRunWorld()
            world.skew = skew
            world.postFaults = [.answerLost]
            world.claim("a")
            world.live(for: 600_000)
            #expect(world.done.count == 1, "skew \(skew)")
            #expect(world.problems == [], "skew \(skew)")
        }
    }

    @Test(arguments: [
        (IntegratorFailureKind.credential, Int64(900_000)), (.scope, 900_000), (.configuration, 900_000),
        (.missing, 600_000), (.invalid, 600_000),
    ])
    func `a refused run pauses the flow and keeps its claims`(_ kind: IntegratorFailureKind, _ pause: Int64) {
        var world = FlowRunWorld()
        world.postFaults = [.status(kind)]
        world.claim("a")
        world.live(for: 10_001 + pause - 1000)
        #expect(world.posts == 1)
        #expect(world.notices.contains { $0.level == .alarm })
        #expect(world.disk?.run == nil)
        world.live(for: pause)
        #expect(world.posts == 2)
        #expect(world.done.count == 1)
    }

    @Test func `after 404 and 422 the flow is looked at before it is run again`() {
        var world = FlowRunWorld()
        world.postFaults = [.status(.invalid)]
        world.flowAnswers = [
            .success(IntegratorFlow(id: "f")), .success(IntegratorFlow(id: "f", disabled: true)),
            .success(IntegratorFlow(id: "f", isAbstract: true)), .success(IntegratorFlow(id: "f")),
        ]
        world.claim("a")
        world.live(for: 3_600_000)
        #expect(world.log.filter { $0 == "flow" }.count == 4)
        #expect(world.notices.contains { $0.text.contains("is disabled") })
        #expect(world.notices.contains { $0.text.contains("abstract") })
        #expect(world.posts == 2)
        #expect(world.done.count == 1)
    }

    @Test func `a rate limit waits as long as it is asked to`() {
        var world = FlowRunWorld()
        world.retryAfter = 60_000
        world.postFaults = [.status(.rateLimited)]
        world.claim("a")
        world.live(for: 69_999)
        #expect(world.posts == 1)
        world.live(for: 60_000)
        #expect(world.posts == 2)
        #expect(world.disk?.failingSince == nil)
    }

    @Test(arguments: [IntegratorFailureKind.retry, .unknown, .busy, .rateLimited, .missing, .credential])
    func `trouble with the latest jobs never ends in a blind run`(_ kind: IntegratorFailureKind) {
        var world = FlowRunWorld()
        world.foreignRun(lasting: 40_000)
        world.latestTroubles = [kind]
        world.claim("a")
        world.live(for: 3_600_000)
        #expect(world.done.count == 1)
        #expect(world.problems == [])
    }

    @Test func `trouble while polling is sat out`() {
        var world = FlowRunWorld()
        world.pollTroubles = [.unknown, .retry, .credential, .scope, .configuration, .rateLimited]
        world.claim("a")
        world.live(for: 1_800_000)
        #expect(world.posts == 1)
        #expect(world.done.count == 1)
    }

    @Test func `a disk that cannot be written stops runs, and a stale window is made anew`() {
        var world = FlowRunWorld()
        world.saveFails = true
        world.claim("a")
        world.live(for: 600_000)
        #expect(world.posts == 0)
        world.saveFails = false
        let freed = world.now
        world.live(for: 600_000)
        #expect(world.posts == 1)
        #expect(world.windows[0].upperBound >= freed)
        #expect(world.problems == [])
    }

    @Test func `claims are given up after their horizon of trouble, the others are not`() {
        var world = FlowRunWorld()
        world.endings = Array(repeating: .failed, count: 1000)
        world.claim("mortal", horizon: 7_200_000)
        world.claim("forever")
        world.live(for: 7_200_000)
        #expect(world.dead.isEmpty)
        world.live(for: 3_600_000)
        #expect(world.dead.keys.sorted() == ["mortal"])
        #expect(world.dead["mortal"]?.contains("failed") == true)
        #expect(world.pending.map(\.id) == ["forever"])
    }

    @Test func `trouble before a run, and hours in the queue, do not make its first failure deadly`() {
        var world = FlowRunWorld()
        world.postFaults = [.status(.retry)]
        world.duration = 5 * 3_600_000
        world.openWord = "queued"
        world.endings = [.canceled]
        world.claim("a", horizon: 3_600_000)
        world.live(for: 6 * 3_600_000)
        #expect(world.dead.isEmpty)
        world.live(for: 6 * 3_600_000)
        #expect(world.done.count == 1)
        #expect(world.problems == [])
    }

    @Test func `the time that a job is open does not count as trouble`() {
        var world = FlowRunWorld()
        world.endings = [.failed, .canceled, .failed]
        world.claim("a", horizon: 3_600_000)
        world.live(for: 40_000)
        #expect(world.disk?.failures == 1)
        world.duration = 5 * 3_600_000
        world.live(for: 60_000)
        #expect(world.posts == 2)
        world.crash()
        world.live(for: 5 * 3_600_000)
        #expect(world.disk?.failures == 2)
        world.duration = 20_000
        world.live(for: 600_000)
        #expect(world.dead.isEmpty)
        #expect(world.done.count == 1)
    }

    @Test func `waiting behind somebody else's run is no trouble`() {
        var world = FlowRunWorld()
        world.foreignRun(lasting: 100_000_000)
        world.claim("a", horizon: 60_000)
        world.live(for: 90_000_000)
        #expect(world.dead.isEmpty)
    }

    @Test func `claims are given up after their number of runs`() {
        var world = FlowRunWorld()
        world.endings = Array(repeating: .failed, count: 1000)
        world.claim("a", maximumRuns: 2)
        world.live(for: 3_600_000)
        #expect(world.posts == 2)
        #expect(world.dead.keys.sorted() == ["a"])
    }
}
