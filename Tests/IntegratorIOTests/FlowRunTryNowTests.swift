import Testing

@testable import IntegratorIO

@Suite struct FlowRunTryNowTests {
    private static func pausedWorld() -> FlowRunWorld {
        var world = FlowRunWorld()
        world.flowAnswers = [.success(IntegratorFlow(id: "f", disabled: true))]
        world.claim("a")
        world.live(for: 20_000)
        return world
    }

    @Test func `a paused flow is looked at and run as soon as somebody asks`() {
        var world = Self.pausedWorld()
        #expect(world.posts == 0)
        #expect(world.plan.status.pausedFor?.contains("is disabled") == true)
        #expect(world.plan.tryNow(at: world.now)?.contains("is disabled") == true)
        let looks = world.log.filter { $0 == "flow" }.count
        world.live(for: 60_000)
        #expect(world.log.filter { $0 == "flow" }.count == looks + 1)
        #expect(world.done.count == 1)
        #expect(world.plan.status.pausedFor == nil && world.disk?.pausedFor == nil)
        #expect(world.plan.tryNow(at: world.now) == nil)
    }

    @Test func `what is not mended pauses again, and is told again`() {
        var world = Self.pausedWorld()
        world.flowAnswers = [.success(IntegratorFlow(id: "f", disabled: true))]
        world.plan.tryNow(at: world.now)
        world.live(for: 60_000)
        #expect(world.posts == 0)
        #expect(world.notices.filter { $0.level == .alarm && $0.text.contains("is disabled") }.count == 2)
    }

    @Test func `why a flow is paused survives a restart`() {
        var world = Self.pausedWorld()
        world.crash()
        #expect(world.plan.status.pausedFor?.contains("is disabled") == true)
        #expect(world.plan.status.notice.contains("is disabled"))
        #expect(world.plan.tryNow(at: world.now) != nil)
    }

    @Test func `runs that failed too often are tried as well`() {
        var world = FlowRunWorld()
        world.endings = Array(repeating: .failed, count: 5)
        world.claim("a")
        while world.disk?.failures != 5 { world.live(for: 10_000) }
        world.live(for: 60_000)
        #expect(world.posts == 5)
        #expect(world.plan.tryNow(at: world.now)?.contains("5 times in a row") == true)
        world.live(for: 60_000)
        #expect(world.posts == 6 && world.done.count == 1)
    }

    @Test func `what integrator.io asks for is waited for, whoever asks`() {
        var world = FlowRunWorld()
        world.retryAfter = 600_000
        world.postFaults = [.status(.rateLimited)]
        world.claim("a")
        world.live(for: 20_000)
        world.plan.tryNow(at: world.now)
        world.live(for: 580_000)
        #expect(world.posts == 1)
        world.live(for: 300_000)
        #expect(world.done.count == 1)
    }

    @Test func `a job that is looked for is given its time to be listed`() {
        var world = FlowRunWorld()
        world.postFaults = [.answerLost]
        world.claim("a")
        world.live(for: 10_001)
        for _ in 0..<5 {
            world.plan.tryNow(at: world.now)
            world.live(for: 100)
        }
        #expect(world.posts == 1 && !world.log.contains("list"))
        world.live(for: 240_000)
        #expect(world.done.count == 1)
        #expect(world.problems == [])
    }
}
