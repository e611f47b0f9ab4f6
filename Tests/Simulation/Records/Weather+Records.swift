extension Weather {
    /// Changes of records, and what reads them. From a seed of its own, as `scheduleReplays`.
    func scheduleRecords() {
        guard let records = world.records else { return }
        var random = SeededRandom(seed: world.seed ^ 0x7265_6364)
        let count = random.within(15...60)
        var moment = random.milliseconds(0...Int(length / 3))
        for _ in 0..<count {
            // Some at once, in one second.
            moment += random.pick([random.milliseconds(1...900), random.milliseconds(1...900), random.milliseconds(1_000...30_000)])
            if moment >= length { moment = random.milliseconds(0...Int(length)) }
            world.machine.at(moment) { records.commit() }
            guard random.chance(120) else { continue }
            world.machine.at(moment + random.milliseconds(-3_000...3_000)) { [world] in world.backfill() }
            let after = moment + random.milliseconds(100...10_000)
            switch random.below(10) {
            case 0..<2: world.machine.at(after) { [world] in world.crash(losesPower: false, "kill -9 during a backfill") }
            case 2: world.machine.at(after) { [world] in world.crash(losesPower: true, "power loss during a backfill") }
            case 3: world.machine.at(after) { [world] in world.meddleWithBackfill("pause") }
            case 4: world.machine.at(after) { [world] in world.meddleWithBackfill("cancel") }
            default: break
            }
        }
    }
}
