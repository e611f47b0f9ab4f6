import Events
import Salesforce

/// Draws from the seed what goes wrong, and when.
struct Weather {
    private var random: SeededRandom
    let world: World
    /// Until everything is healed.
    let length: Int64

    init(seed: UInt64, world: World) {
        random = SeededRandom(seed: seed ^ 0x7765_6174)
        self.world = world
        length = random.milliseconds(240_000...1_200_000)
    }

    mutating func schedule() {
        let machine = world.machine
        let isFlood = random.chance(80) || world.defect == .unbounded
        for _ in 0..<(isFlood ? random.within(40...70) : random.within(6...24)) {
            machine.at(moment()) { [world] in world.org.commit() }
        }
        if isFlood { flood() }
        if random.chance(300) {
            world.org.schemaChange = moment()
            machine.at(world.org.schemaChange) { [world] in world.faults.note("schema changes") }
        }
        for _ in 0..<random.within(4...16) { disturb() }
        scheduleReplays()
        scheduleRecords()
        machine.at(length) { [world] in world.heal() }
    }

    private mutating func moment() -> Int64 { random.milliseconds(0...Int(length)) }

    /// Most are short, some are long.
    private mutating func duration() -> Int64 {
        random.pick([
            random.milliseconds(200...5_000), random.milliseconds(5_000...60_000), random.milliseconds(60_000...700_000),
        ])
    }

    /// Much comes while nobody takes anything: everything has to wait in the store, or at Salesforce.
    private mutating func flood() {
        world.machine.at(random.milliseconds(0...20_000)) { [world] in
            world.faults.note("flood while every receiver is down")
            for host in Receivers.hosts { world.receivers.set(.refused, of: host) }
        }
        world.machine.at(length * 8 / 10) { [world] in
            for host in Receivers.hosts { world.receivers.set(nil, of: host) }
        }
    }

    private mutating func disturb() {
        switch random.below(100) {
        case 0..<42: receiver()
        case 42..<54: condition()
        case 54..<66: stream()
        case 66..<74: disk()
        case 74..<86: process()
        case 86..<92: clock()
        default: rules()
        }
    }

    private mutating func receiver() {
        let host = random.pick(Receivers.hosts + (world.scope.records ? ["state.sim"] : []))
        let mood = random.pick(Receivers.moods(of: host))
        let start = moment()
        world.machine.at(start) { [world] in world.receivers.set(mood, of: host) }
        world.machine.at(start + duration()) { [world] in world.receivers.set(nil, of: host) }
    }

    private mutating func condition() {
        let condition = random.pick(Faults.Condition.allCases)
        let start = moment()
        world.machine.at(start) { [world] in
            world.faults.begin(condition)
            if condition == .silence { world.org.silence() }
        }
        world.machine.at(start + duration()) { [world] in world.faults.end(condition) }
    }

    private mutating func stream() {
        let kind = random.below(7)
        world.machine.at(moment()) { [world] in
            let org = world.org
            switch kind {
            case 0:
                org.faults.note("stream reset")
                org.breakStreams(.broken("stream reset"))
            case 1:
                org.faults.note("GOAWAY")
                org.breakStreams(.broken("GOAWAY"))
            case 2:
                org.faults.note("session ends with its streams")
                org.endSession(breaking: true)
            case 3:
                org.faults.note("session ends, streams go on")
                org.endSession(breaking: false)
            case 4:
                org.refusals = 1
                org.breakStreams(.broken("connection lost"))
            case 5:
                org.faults.note("service.unavailable")
                org.breakStreams(.of("service.unavailable", "try later"))
            default:
                org.faults.note("delivery allocation used up")
                org.breakStreams(.of("subscription.limit.exceeded", "no deliveries left"))
            }
        }
    }

    private mutating func disk() {
        let start = moment()
        if random.chance(350) {
            let operations = random.within(1...60)
            world.machine.at(start) { [world] in world.disk.arm(after: operations) }
            return
        }
        let illness = random.pick(Disk.Illness.allCases)
        world.machine.at(start) { [world] in
            world.faults.note("disk: \(illness)")
            world.disk.fallIll(illness)
        }
        world.machine.at(start + duration()) { [world] in world.disk.recover() }
    }

    private mutating func process() {
        let start = moment()
        switch random.below(10) {
        case 0..<4: world.machine.at(start) { [world] in world.crash(losesPower: false, "kill -9") }
        case 4..<6: world.machine.at(start) { [world] in world.crash(losesPower: true, "power loss") }
        case 6..<8: world.machine.at(start) { [world] in world.stop() }
        default:
            let length = random.milliseconds(1_000...180_000)
            world.machine.at(start) { [world] in
                world.faults.note("process stands still")
                world.machine.standStill(for: length)
            }
        }
    }

    private mutating func clock() {
        var step = random.pick([-3_600_000, 3_600_000, -300_000, 60_000, -1_500, 86_400_000] as [Int64])
        // What is read goes by the clock, which may be wrong by few seconds.
        if world.scope.records { step = step.signum() * 1_500 }
        world.machine.at(moment()) { [world] in
            if world.scope.records, abs(world.skew + step) > 3_000 { return }
            world.faults.note(step > 0 ? "clock set forth" : "clock set back")
            world.skew += step
        }
    }

    private mutating func rules() {
        let version = random.below(4)
        world.machine.at(moment()) { [world] in world.edit(version: version) }
    }
}
