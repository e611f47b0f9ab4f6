import Glibc
import Testing

@testable import Store

/// Power fails in the middle of a write, a sync, a truncation, a creation or a deletion; what was not synced is kept,
/// torn or gone. 1,000 seeds; more by `SLUICE_POWER_SEEDS=20000`. A failing seed fails again.
@Suite(.serialized) struct PowerLossTests {
    private static let batches = 8
    private static var seeds: Int { getenv("SLUICE_POWER_SEEDS").flatMap { Int(String(cString: $0)) } ?? 1_000 }

    @Test(arguments: 0..<batches)
    func `after any loss of power the store opens, and the cursor has passed nothing that is nowhere`(
        batch: Int
    ) async throws {
        var (failures, atWork, lostWrites, syncs) = (0, 0, 0, 0)
        for seed in stride(from: batch, to: Self.seeds, by: Self.batches) {
            var world = PowerLossWorld(seed: UInt64(seed))
            await world.run(lives: 3)
            #expect(world.problems.isEmpty, "seed \(seed)")
            failures += world.failures
            atWork += world.failuresAtWork
            lostWrites += world.disk.lostWrites
            syncs += world.disk.syncs
        }
        // Otherwise nothing was tried.
        let worlds = Self.seeds / Self.batches
        #expect(failures > worlds && atWork > worlds / 2, "\(failures) failures, \(atWork) at work, in \(worlds) worlds")
        #expect(lostWrites > worlds && syncs > worlds, "\(lostWrites) writes lost, \(syncs) syncs")
    }

    @Test(arguments: [PowerLossWorld.Defect.cursorFirst, .neverSynced])
    func `a store that breaks the rule is caught`(defect: PowerLossWorld.Defect) async {
        var caught = 0
        for seed in 0..<150 where caught == 0 {
            var world = PowerLossWorld(seed: UInt64(seed), defect: defect)
            await world.run(lives: 3)
            caught += world.problems.isEmpty ? 0 : 1
        }
        #expect(caught > 0)
    }
}
