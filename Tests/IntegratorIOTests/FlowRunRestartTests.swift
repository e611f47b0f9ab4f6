import Testing

@testable import IntegratorIO

/// Crashes at every point, and at random ones.
@Suite struct FlowRunRestartTests {
    struct Script: Sendable, CustomTestStringConvertible {
        var name: String
        var prepare: @Sendable (inout FlowRunWorld) -> Void

        var testDescription: String { name }
    }

    static let scripts: [Script] = [
        Script(name: "all goes well") { _ in },
        Script(name: "the answer is lost") { $0.postFaults = [.answerLost] },
        Script(name: "the request is lost") { $0.postFaults = [.requestLost] },
        Script(name: "no job is named") { $0.postFaults = [.noJobNamed] },
        Script(name: "the run fails") { $0.endings = [.failed] },
        Script(name: "the run is cancelled, then its answer lost") {
            $0.endings = [.canceled]
            $0.postFaults = [.none, .answerLost]
        },
        Script(name: "the flow is busy") { $0.postFaults = [.status(.busy)] },
        Script(name: "the token is refused") { $0.postFaults = [.status(.credential)] },
        Script(name: "the flow is disabled") { $0.postFaults = [.status(.invalid)] },
    ]

    private static func story(_ script: Script, crashAt: (Int, FlowRunWorld.CrashPoint)?) -> (FlowRunWorld, Int) {
        var world = FlowRunWorld()
        script.prepare(&world)
        world.claim("a")
        world.claim("b", from: FlowRunWorld.start - 5_000)
        let actions = world.live(for: 3_600_000, crashAt: crashAt)
        world.claim("c")
        world.live(for: 3_600_000)
        return (world, actions)
    }

    @Test(arguments: scripts) func `a crash at any point loses no claim and opens no second run`(_ script: Script) {
        let (calm, actions) = Self.story(script, crashAt: nil)
        #expect(calm.done.count == 3)
        #expect(calm.problems == [])
        #expect(actions >= 8)
        for index in 0..<actions {
            for point in [FlowRunWorld.CrashPoint.before, .after] {
                let (world, _) = Self.story(script, crashAt: (index, point))
                #expect(world.log.contains("crash"))
                #expect(world.done.count == 3, "action \(index) \(point): \(world.log)")
                #expect(world.problems == [], "action \(index) \(point): \(world.log)")
            }
        }
    }

    @Test func `a crash between POST and save waits for that run, and runs its window once more`() {
        var world = FlowRunWorld()
        world.claim("a")
        // flow, latest, save, post
        world.live(for: 600_000, crashAt: (3, .after))
        #expect(world.posts == 2)
        #expect(world.done.count == 1)
        #expect(world.problems == [])
    }

    @Test func `claims that come again only after the restored run has failed wait for the next one`() {
        var world = FlowRunWorld()
        world.endings = [.failed]
        world.claim("a")
        world.live(for: 12_000)
        world.crash(claimsComeAgain: false)
        world.live(for: 30_000)
        #expect(world.disk?.failures == 1)
        for claim in world.pending { world.plan.add(claim, at: world.now) }
        world.live(for: 600_000)
        #expect(world.posts == 2)
        #expect(world.done.count == 1)
        #expect(world.problems == [])
    }

    @Test func `claims that come again only after the restored run has completed are done at once`() {
        var world = FlowRunWorld()
        world.claim("a")
        let claim = world.pending[0]
        world.live(for: 12_000)
        world.crash(claimsComeAgain: false)
        world.live(for: 60_000)
        #expect(world.done.count == 1)
        world.pending = [claim]
        world.done = [:]
        world.plan.add(claim, at: world.now)
        world.live(for: 1)
        #expect(world.posts == 1)
        #expect(world.done.count == 1)
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func `random bursts, faults and crashes leave no change uncovered`(_ seed: UInt64) {
        var random = SplitMix64(state: seed)
        var world = FlowRunWorld()
        for index in 0..<120 {
            for claim in 0..<Int.random(in: 0...12, using: &random) {
                let late = Int64.random(in: 0...60_000, using: &random)
                world.claim("c\(index).\(claim)", from: world.now - late, until: world.now - late)
            }
            Self.disturb(&world, &random)
            let crash = Int.random(in: 0..<30, using: &random)
            let pause = Int64.random(in: 1...40_000, using: &random)
            world.live(for: pause, crashAt: (crash, Bool.random(using: &random) ? .before : .after))
        }
        world.postFaults = []
        world.endings = []
        world.live(for: 86_400_000)
        #expect(world.pending.isEmpty, "seed \(seed)")
        #expect(world.dead.isEmpty, "seed \(seed)")
        #expect(world.problems == [], "seed \(seed)")
    }

    private static func disturb(_ world: inout FlowRunWorld, _ random: inout SplitMix64) {
        world.duration = Int64.random(in: 1_000...90_000, using: &random)
        let faults: [FlowRunWorld.PostFault] = [
            .none, .none, .none, .answerLost, .requestLost, .noJobNamed, .status(.busy), .status(.rateLimited),
            .status(.retry), .status(.unknown),
        ]
        world.postFaults = [faults.randomElement(using: &random)!]
        world.endings = [[.completed, .completed, .completed, .failed, .canceled].randomElement(using: &random)!]
        if Int.random(in: 0..<10, using: &random) == 0 { world.pollTroubles = [.unknown] }
        if Int.random(in: 0..<10, using: &random) == 0 { world.listTroubles = [.retry] }
    }
}
