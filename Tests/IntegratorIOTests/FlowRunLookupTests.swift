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

    @Test func `only so many of our own jobs are remembered`() {
        var state = FlowRunState()
        for index in 0..<7 { state.remember(["j\(index)"], atMost: 3) }
        state.remember(["j5"], atMost: 3)
        #expect(state.lastJobs == ["j4", "j6", "j5"])
    }
}
