extension Weather {
    /// Commands for replays, and what interrupts them. From a seed of its own, so that the rest of the weather is as it
    /// would be without.
    func scheduleReplays() {
        guard world.scope.replays else { return }
        var random = SeededRandom(seed: world.seed ^ 0x7265_706C)
        for _ in 0..<random.within(1...4) {
            let moment = random.milliseconds(Int(length / 10)...Int(length))
            world.machine.at(moment) { [world] in world.replayer.ask() }
            let after = moment + random.milliseconds(10...8_000)
            switch random.below(10) {
            case 0..<3: world.machine.at(after) { [world] in world.crash(losesPower: false, "kill -9 during a replay") }
            case 3: world.machine.at(after) { [world] in world.crash(losesPower: true, "power loss during a replay") }
            case 4: world.machine.at(after) { [world] in world.stop() }
            case 5..<7: world.machine.at(after) { [world] in world.replayer.meddle() }
            default: break
            }
        }
    }
}
