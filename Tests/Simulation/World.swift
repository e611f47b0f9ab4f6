import Events
import Glibc
import Logging
import Relay
import Rules
import Salesforce
import Settings
import Store

/// One seed: an org, receivers, a disk, a clock, and the relay between them in one life after another.
///
/// Unchecked: see `Machine`.
final class World: @unchecked Sendable {
    /// By Salesforce's clock, when the simulation begins.
    static let epoch: Int64 = 1_760_000_000_000
    /// After everything is healed; longer than any hold, back-off or `Retry-After`.
    static let settlingLimit: Int64 = 4 * 3_600_000
    /// What a stop may take.
    static let stopLimit: Int64 = 10_000
    /// Jobs in a minute when there is nothing to do. Keepalives of two topics come once a minute or less.
    static let idleJobs = 400

    let seed: UInt64
    let defect: Defect
    let machine: Machine
    let truth = Truth()
    let faults = Faults()
    let disk: Disk
    let org: SimulatedOrg
    let receivers: Receivers
    let scope: Scope
    let records: SimulatedRecords?
    var resumedBackfills = 0
    private(set) lazy var replayer = SimulatedOperator(seed: seed, world: self)
    /// How far the relay's clock is from Salesforce's.
    var skew: Int64 = 0 { didSet { worstSkew = max(worstSkew, abs(skew)) } }
    private(set) var worstSkew: Int64 = 0
    private(set) var crashes = 0
    private(set) var lives = 0
    private var random: SeededRandom
    private let limits: DispatchLimits
    private var rulesText: String
    private var version = 0
    private(set) var current: Process?
    private var everyLife: [Life] = []
    private var ending: UnsafeContinuation<Void, Never>?
    private var isHealed = false
    private var hasEndedWell = false
    private var isOver = false

    /// A relay that runs.
    struct Process {
        let life: Life
        let store: Store
        let service: RelayService
        var isStopping = false
    }

    init(seed: UInt64, defect: Defect, trace: Trace) {
        self.seed = seed
        self.defect = defect
        machine = Machine(seed: seed, trace: trace)
        random = SeededRandom(seed: seed ^ 0x776F_726C)
        disk = Disk(seed: seed, machine: machine)
        scope = Scope(seed: seed, defect)
        org = SimulatedOrg(seed: seed, scope: scope, machine: machine, truth: truth, faults: faults)
        records = scope.records ? SimulatedRecords(seed: seed, org: org) : nil
        receivers = Receivers(seed: seed, scope: scope, org: org, records: records)
        limits = Self.limits(&random, defect)
        rulesText = SampleRules.text(
            version: 0, key: defect == .laneless ? "${event.id}" : "${recordId}", scope: scope)
    }

    /// Half of the seeds have limits so tight that everything has to go through the store.
    private static func limits(_ random: inout SeededRandom, _ defect: Defect) -> DispatchLimits {
        var limits = DispatchLimits()
        guard random.chance(500) || defect == .unbounded else { return limits }
        limits.unwritten = random.within(4...20)
        limits.stored = random.within(8...80)
        limits.window = random.within(3...12)
        limits.claims = random.within(3...12)
        limits.leastClaims = 2
        limits.lanes = random.within(3...30)
        limits.laneReads = random.within(1...3)
        limits.laneRows = random.within(1...6)
        limits.pageRows = random.within(2...8)
        limits.commitCount = random.within(1...20)
        limits.breakerAttempts = random.within(4...16)
        return limits
    }

    // MARK: Running

    /// Until it is over.
    func run() {
        var weather = Weather(seed: seed, world: self)
        weather.schedule()
        if scope.snapshot { faults.note("topic that wants a snapshot") }
        disk.onFailure = { [unowned self] in crash(losesPower: true, "power loss while writing") }
        Task { await live() }
        do throws(Machine.Standstill) {
            try machine.run { isOver }
        } catch {
            truth.problem("\(error)")
            current?.life.end()
        }
        for life in everyLife { life.release() }
        org.breakStreams(.broken("the end of the world"))
        machine.drain()
        machine.clear()
        org.clear()
    }

    private func live() async {
        while await liveOnce() {
            await machine.sleep(for: random.milliseconds(500...60_000))
        }
        await check()
        isOver = true
    }

    /// - Returns: whether another life follows.
    private func liveOnce() async -> Bool {
        let life = Life(number: lives, machine: machine)
        everyLife.append(life)
        lives += 1
        guard let store = open() else { return true }
        do throws(StoreError) {
            try await look(at: store)
            if scope.replays { try await beforeStart(store, life) }
        } catch {
            // Whoever starts it will see the same, and start it again.
            close(store, life)
            return true
        }
        guard !disk.hasFailed else {
            close(store, life)
            return true
        }
        let service = service(store, life)
        current = Process(life: life, store: store, service: service)
        machine.trace.note(machine.now, "started", "life \(life.number)")
        Task { await start(service, life) }
        Task { await watch(service, store, life) }
        await withUnsafeContinuation { ending = $0 }
        current = nil
        return !isFinished
    }

    private var isFinished = false

    private func open() -> Store? {
        do throws(StoreError) {
            return try disk.open(limits: scope.storeLimits, wall: wall)
        } catch {
            machine.trace.note(machine.now, "cannot open the store", "\(error)")
            if disk.illness == nil, !disk.hasFailed { truth.problem("the store does not open: \(error)") }
            disk.restore()
            return nil
        }
    }

    private func close(_ store: Store, _ life: Life) {
        life.end()
        disk.cut(losesPower: false)
        try? store.close()
        disk.restore()
    }

    private func start(_ service: RelayService, _ life: Life) async {
        do throws(RelayStartError) {
            try await service.start()
        } catch {
            machine.trace.note(machine.now, "did not start", "\(error)")
            guard let process = current, process.life === life, !life.isOver, !process.isStopping else { return }
            faults.note("start that failed")
            end(process)
        }
    }

    // MARK: Ends

    /// The process dies.
    func crash(losesPower: Bool, _ name: String) {
        guard let process = current, !process.life.isOver else { return }
        machine.trace.note(machine.now, "crash", name)
        faults.note(name)
        crashes += 1
        truth.mayMissKept = true
        process.life.end()
        disk.cut(losesPower: losesPower)
        // Not inside a piece of the store's work.
        machine.after(0) { [self] in end(process) }
    }

    /// SIGTERM.
    func stop() {
        guard let process = current, !process.life.isOver, !process.isStopping else { return }
        current?.isStopping = true
        faults.note("SIGTERM")
        machine.trace.note(machine.now, "stop")
        Task {
            let (began, stood) = (machine.now, machine.stoodStill)
            let isSafe = await process.service.stop(within: .milliseconds(Self.stopLimit))
            guard !process.life.isOver else { return }
            let took = machine.now - began - (machine.stoodStill - stood)
            if took > Self.stopLimit + 6_000, disk.illness == nil { truth.problem("a stop took \(took) ms") }
            machine.trace.note(machine.now, "stopped", isSafe ? "everything is stored" : "not everything was stored")
            hasEndedWell = isSafe
            end(process)
        }
    }

    private func end(_ process: Process) {
        process.life.end()
        // What is left of it, if it is not at its end.
        Task { await process.service.abandon() }
        disk.cut(losesPower: false)
        try? process.store.close()
        disk.restore()
        let waiting = ending
        ending = nil
        waiting?.resume()
    }

    /// Nothing goes wrong any more.
    func heal() {
        machine.trace.note(machine.now, "healed")
        isHealed = true
        faults.endAll()
        receivers.healAll()
        receivers.integrator.failing = 0
        disk.recover()
        disk.arm(after: 0)
        org.refusals = 0
        healedAt = machine.now
        if scope.reads, version % 2 == 1 || rulesText == SampleRules.broken { edit(version: 2) }
        lookAfterGone()
        // An answer of before may still be on its way.
        machine.at(machine.now + 60_000) { [weak self] in self?.lookAfterGone() }
    }

    /// 410 is for people.
    private func lookAfterGone() {
        guard let process = current, !process.life.isOver else { return }
        let gone = receivers.gone.sorted()
        Task { for name in gone { await process.service.outbox.hurry(name) } }
    }

    private var healedAt: Int64 = 0

    // MARK: The relay

    var wall: Int64 { Self.epoch + machine.now + skew }

    private func service(_ store: Store, _ life: Life) -> RelayService {
        var world = RelayWorld()
        world.attempts = MachineExecutor().both
        world.time = time(of: life)
        org.forgetsClients = defect == .echoesHeard
        if defect == .cursorEarly { org.onArrival = { [unowned self] in storeEarly($0, $1, store) } }
        world.limits = defect == .unbounded ? DispatchLimits() : limits
        world.pubsub = { [org] _ in SimulatedPubSub(org: org, life: life) }
        world.beside = { [machine] work in machine.after(5, work) }
        let source = RulesSource(paths: []) { [weak self] () in SampleRules.report(self?.rulesText ?? SampleRules.broken) }
        do throws(RelayStartError) {
            return try RelayService(
                configuration, ruleSet: SampleRules.report(rulesText).ruleSet ?? lastGood, source: source, store: store,
                http: SimulatedNetwork(receivers: receivers, life: life), secrets: SampleRules.secrets, version: "simulation",
                world: world, log: log)
        } catch {
            fatalError("the simulation's own configuration is wrong: \(error)")
        }
    }

    /// The parts of a relay hold each other, and stay when it has ended: they must not hold the world as well.
    func time(of life: Life) -> TimeSource {
        TimeSource(
            wall: { [weak self] in self?.wall ?? 0 },
            monotonic: { [machine] in .milliseconds(machine.now - life.startedAt) },
            sleepUntil: { [weak self] moment in
                guard let self else { throw CancellationError() }
                try await sleep(life, until: moment.milliseconds + life.startedAt)
            })
    }

    private func sleep(_ life: Life, until moment: Int64) async throws {
        if defect == .busy, moment - machine.now < 1_000, machine.now > 60_000 {
            // A job of its own each time, which is what is counted.
            await machine.sleep(for: 0)
            return try Task.checkCancellation()
        }
        try await life.sleep(until: defect == .unseeded ? moment + Int64(clock() % 3) : moment)
    }

    /// `Defect.cursorEarly`
    private func storeEarly(_ topic: String, _ id: ReplayID, _ store: Store) {
        let key = Cursor.Key(org: "prod", topic: topic)
        var group = CommitGroup()
        group.cursors[key] = Cursor(
            key: key, orgID: SimulatedOrg.id, instanceURL: SimulatedOrg.instance, replayID: id, commitTime: nil,
            updatedAt: wall)
        Task { [group] in try? await store.commit(group, wall: wall) }
    }

    /// `Defect.forgetful`
    private func forgetOne(_ store: Store) async {
        let reads = ["hook", "slow", "flows"].map {
            OutboxRead(destination: $0, isGathered: false, after: 0, limit: 1_000)
        }
        guard let row = try? await store.pending(reads).joined().max(by: { $0.seq < $1.seq }) else { return }
        var group = CommitGroup()
        group.removed = [row.seq]
        _ = try? await store.commit(group, wall: wall)
    }

    var lastGood: RuleSet { SampleRules.report(SampleRules.text(version: version, scope: scope)).ruleSet! }

    private var configuration: Configuration {
        let topics = org.topics.map { name in
            var topic = TopicConfiguration(name: name)
            topic.start = .earliest
            topic.snapshot = scope.snapshot && name == SimulatedRecords.topic
            return topic
        }
        var org = OrgConfiguration(
            alias: "prod", loginURL: SimulatedOrg.instance,
            auth: .clientCredentials(clientID: .reference(.env("SF_ID")), clientSecret: .env("SF_SECRET")), topics: topics)
        if scope.bulk { org.rest.bulkFrom = 1 }
        return Configuration(orgs: [org], rulesPath: "rules", storePath: disk.path, log: LogConfiguration())
    }

    private var log: Logger {
        var log = Logger(label: "sluice") { [machine] _ in TraceLog(machine: machine) }
        log.logLevel = machine.trace.isSpoken ? .info : .critical
        return log
    }

    /// Somebody saves the rule file, and the relay reads it again.
    func edit(version: Int) {
        guard defect != .laneless else { return }
        if version == 3 {
            faults.note("broken rules saved")
            rulesText = SampleRules.broken
        } else {
            faults.note("rules edited")
            self.version = version
            rulesText = SampleRules.text(version: version, scope: scope)
        }
        guard let process = current, !process.life.isOver, !process.isStopping else { return }
        Task { _ = await process.service.loader.reload() }
    }

    // MARK: Looking

    private func look(at store: Store) async throws(StoreError) {
        let ledger = try await Ledger(store, truth)
        ledger.check(truth) { [receivers] in receivers.integrator.covered($0, $1) }
        if hasEndedWell { truth.settle(ledger) }
        hasEndedWell = false
    }

    /// Beside the relay: whether it keeps to its bounds, and whether it is done.
    private func watch(_ service: RelayService, _ store: Store, _ life: Life) async {
        while !life.isOver, current?.isStopping == false {
            await machine.sleep(for: 10_000)
            guard !life.isOver, current?.life === life, current?.isStopping == false else { return }
            let status = await service.outbox.status()
            // Each topic may be a response beyond, and so may each page of records.
            let most = limits.unwritten + org.topics.count * org.largestBatch + replayed(status) + read
            if status.unwritten > most { truth.problem("\(status.unwritten) unwritten deliveries, \(most) at most") }
            if status.stored > limits.stored + most {
                truth.problem("\(status.stored) stored deliveries, \(limits.stored + most) at most")
            }
            if defect == .forgetful { await forgetOne(store) }
            if scope.replays { await watchCursors(store, life) }
            if defect == .marksForgotten { await forgetMarks(store) }
            guard isHealed else { continue }
            let done = await isSettled(status, store, life)
            if done {
                await rest()
                guard !life.isOver, current?.life === life else { return }
                // Salesforce may have begun anew with old events meanwhile.
                guard await isSettled(service.outbox.status(), store, life) else { continue }
                isFinished = true
                return stop()
            }
            if machine.now - healedAt > Self.settlingLimit {
                truth.problem(
                    "not settled \(Self.settlingLimit / 3_600_000) h after everything was healed: \(status.words); "
                        + "\(await unended(store))")
                isFinished = true
                return stop()
            }
        }
    }

    private func isSettled(_ status: DispatchStatus, _ store: Store, _ life: Life) async -> Bool {
        if scope.replays, let desk, await !replayer.complete(desk) { return false }
        guard status.unwritten == 0, status.destinations.allSatisfy({ $0.pending == 0 }) else { return false }
        if scope.records, let desk, await !completeRecords(desk) { return false }
        for topic in org.topics where truth.topics[topic] != nil {
            let cursor = try? await store.cursor(Cursor.Key(org: "prod", topic: topic))
            guard cursor?.replayID == org.latest(topic) else { return false }
        }
        return true
    }

    /// Nothing to do: nothing is done.
    private func rest() async {
        let before = machine.jobsRun
        await machine.sleep(for: 600_000)
        let jobs = (machine.jobsRun - before) / 10
        // What was acknowledged is written twice a second.
        let most = Self.idleJobs + (scope.keepsSent ? 600 : 0) + (scope.records ? 100 : 0) + (scope.fansOut ? 50 : 0)
        if jobs > most { truth.problem("\(jobs) jobs a minute with nothing to do, \(most) at most") }
    }

    private func check() async {
        guard let store = open() else { return }
        do throws(StoreError) {
            let ledger = try await Ledger(store, truth)
            ledger.check(truth) { [receivers] in receivers.integrator.covered($0, $1) }
            ledger.checkEnd(truth) { [receivers] in receivers.integrator.covered($0, $1) }
            truth.checkOrder(dead: ledger.dead)
            let kept = try await store.keptCount()
            if kept > ledger.deadCount { truth.problem("\(kept) events are kept for \(ledger.deadCount) dead letters") }
            if scope.records { try await checkRecords(store) }
            if scope.replays { checkReplays(try await store.replays(), ledger) }
        } catch {
            truth.problem("the store cannot be read in the end: \(error)")
        }
        try? store.close()
    }
}

extension DispatchStatus {
    /// What waits, and for what.
    fileprivate var words: String {
        let waiting = destinations.filter { $0.pending > 0 }.map { destination in
            "\(destination.name): \(destination.pending) pending, \(destination.inFlight) in flight"
                + (destination.hold.map { ", held: \($0.reason)" } ?? "")
        }
        return "\(unwritten) unwritten, \(waiting.joined(separator: "; "))\(storeFailure.map { "; \($0)" } ?? "")"
    }
}
