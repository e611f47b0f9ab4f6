import Testing

@testable import IntegratorIO

/// Runs that went well but for some records.
@Suite struct FlowRunRecordErrorTests {
    @Test func `a run with record errors is done, and says how many there were`() {
        var world = FlowRunWorld()
        world.recordErrors = [2]
        world.claim("a")
        world.live(for: 120_000)
        #expect(world.posts == 1 && world.done.count == 1)
        let notice = world.notices.first { $0.text.contains("2 errors; integrator.io keeps and retries those") }
        #expect(notice?.level == .warning)
        #expect(world.problems == [])
    }

    @Test func `where record errors make a run anew, its window is run again until it has none`() throws {
        var world = FlowRunWorld(policy: .rerun)
        world.recordErrors = [2, 1, 0]
        world.claim("a")
        world.live(for: 30_001)
        #expect(world.posts == 1 && world.done.isEmpty)
        #expect(world.notices.contains { $0.text.contains("completed with 2 record errors; its claims wait") })
        world.claim("b")
        world.live(for: 600_000)
        #expect(world.posts == 3 && world.done.count == 2)
        let first = try #require(world.windows.first)
        #expect(world.windows.allSatisfy { $0.lowerBound <= first.lowerBound })
        #expect(world.disk?.failures == 0 && world.disk?.report?.contains("2 claims: 0 records, 0 errors") == true)
        #expect(world.problems == [])
    }

    @Test func `a record that never goes well is given up with its events, at the number of runs they have`() {
        var world = FlowRunWorld(policy: .rerun)
        world.recordErrors = Array(repeating: 1, count: 1000)
        world.claim("mortal", maximumRuns: 3)
        world.claim("patient", horizon: 86_400_000)
        world.live(for: 3_600_000)
        #expect(world.dead.keys.sorted() == ["mortal"])
        #expect(world.dead["mortal"]?.contains("completed with 1 record errors (3 times in a row)") == true)
        #expect(world.pending.map(\.id) == ["patient"])
        #expect(world.notices.contains { $0.level == .alarm })
    }

    @Test func `a crash between a partly failed run and the next one forgets nothing`() {
        var reference = FlowRunWorld(policy: .rerun)
        reference.recordErrors = [1, 0]
        reference.claim("a")
        let actions = reference.live(for: 600_000)
        for action in 0..<actions {
            for point in [FlowRunWorld.CrashPoint.before, .after] {
                var world = FlowRunWorld(policy: .rerun)
                world.recordErrors = [1, 0]
                world.claim("a")
                world.live(for: 1_800_000, crashAt: (action, point))
                #expect(world.done.count == 1, "crash \(point) action \(action): \(world.log)")
                #expect(world.problems == [], "crash \(point) action \(action)")
            }
        }
    }

    @Test func `three runs in a row without a record are worth one warning`() {
        var world = FlowRunWorld()
        for index in 0..<5 {
            world.claim("c\(index)")
            world.live(for: 120_000)
            #expect(world.notices.contains { $0.level == .warning } == (index >= 2))
        }
        let warnings = world.notices.filter { $0.level == .warning }
        #expect(warnings.count == 1 && warnings[0].text.contains("3 runs in a row found no record"))
        // Errors are records, too.
        world.recordErrors = [1]
        world.claim("d")
        world.live(for: 120_000)
        #expect(world.disk?.empty == nil)
    }
}
