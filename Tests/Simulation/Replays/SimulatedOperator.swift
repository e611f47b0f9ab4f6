import Events
import FoundationEssentials
import Relay
import Rules
import Store

/// Asks for replays, through the routes that the commands use: at a running relay, or at the store while there is none.
///
/// Unchecked: see `Machine`.
final class SimulatedOperator: @unchecked Sendable {
    private unowned let world: World
    private let truth: Truth
    private var random: SeededRandom
    /// Since no relay runs, or another command is not answered yet.
    private var waiting = 0
    private var isBusy = false
    private var drawn = 0
    /// Named cursors, and between which events of each topic they are.
    private var cursors: [String: [String: ClosedRange<Int>]] = [:]

    init(seed: UInt64, world: World) {
        self.world = world
        truth = world.truth
        random = SeededRandom(seed: seed ^ 0x6F70_6572)
    }

    // MARK: What is asked

    /// A replay, now or as soon as somebody can answer.
    func ask() {
        waiting += 1
        guard !isBusy, let desk = world.desk else { return }
        Task { await serve(desk) }
    }

    /// Another one of what was asked is paused, goes on, or is cancelled.
    func meddle() {
        guard !isBusy, let desk = world.desk else { return }
        let verb = random.pick(["pause", "pause", "resume", "cancel"])
        let choice = random.below(1_000)
        Task { await meddle(verb, choice, desk) }
    }

    /// Another life; what was not answered never will be.
    func begin(_ desk: Desk) async {
        isBusy = false
        if waiting > 0 { world.faults.note("replay asked for while no relay runs") }
        await serve(desk)
    }

    /// One after the other.
    private func serve(_ desk: Desk) async {
        guard !isBusy else { return }
        isBusy = true
        while waiting > 0, !desk.life.isOver {
            waiting -= 1
            await perform(desk)
        }
        if !desk.life.isOver { isBusy = false }
    }

    private func perform(_ desk: Desk) async {
        if random.chance(250) { await save(desk) }
        guard let request = draw(), let before = try? await positions(desk.store) else { return }
        if random.chance(250) { await rehearse(request, desk) }
        var ask = ReplayAsk(request: request, askedAt: world.machine.now, clockLead: max(0, world.skew))
        if request.isAsRendered {
            guard let kept = try? await kept(desk.store, request) else { return }
            ask.kept = kept
        } else if !isAstray(request) {
            ask.owed = before.filter { request.topics.isEmpty || request.topics.contains($0.key) }.mapValues { 0..<$0 }
        }
        if case .cursor(let name) = request.start {
            ask.saved = cursors[name] ?? [:]
            // After a new beginning nobody knows where it is.
            ask.owed = truth.mayRepeat ? [:] : ask.owed.compactMapValues { $0 }.reduce(into: [:]) { owed, entry in
                guard let saved = ask.saved[entry.key], saved.upperBound <= entry.value.upperBound else { return }
                owed[entry.key] = saved.upperBound..<entry.value.upperBound
            }
        }
        let number = truth.replays.asked(ask)
        do throws(ControlError) {
            let view = try await desk.answer("replay.start", request, as: ReplayView.self)
            world.faults.note("replay from \(view.topics[0].source)")
            world.machine.trace.note(world.machine.now, "replay", "\(view.id) \(request)")
        } catch {
            refused(number, error, ask)
        }
        guard truth.mayRepeat else { return }
        // The stream may have begun anew meanwhile, so that there was less behind it.
        let after = try? await positions(desk.store)
        truth.replays.change(number) { ask in
            for (topic, numbers) in ask.owed { ask.owed[topic] = 0..<min(numbers.upperBound, after?[topic] ?? 0) }
        }
    }

    /// Where the topics are is kept under a name.
    private func save(_ desk: Desk) async {
        let name = "c\(cursors.count)"
        guard let before = try? await positions(desk.store),
            (try? await desk.answer("cursor.save", CursorSaveRequest(name: name), as: CursorSaved.self)) != nil,
            let after = try? await positions(desk.store)
        else { return }
        world.faults.note("cursor saved")
        cursors[name] = before.merging(after) { $1 }.reduce(into: [:]) { saved, entry in
            let (topic, most) = entry
            saved[topic] = min(before[topic] ?? 0, most)...most
        }
    }

    /// A dry run does nothing.
    private func rehearse(_ request: ReplayRequest, _ desk: Desk) async {
        guard let before = try? await desk.store.replays().map(\.id) else { return }
        if (try? await desk.answer("replay.dryRun", request, as: ReplayDryRun.self)) != nil {
            world.faults.note("dry run of a replay")
        }
        guard let after = try? await desk.store.replays().map(\.id), after != before else { return }
        truth.problem("a dry run left a replay behind")
    }

    private func refused(_ number: Int, _ error: ControlError, _ ask: ReplayAsk) {
        world.machine.trace.note(world.machine.now, "replay refused", "\(error)")
        guard error.kind == .failed, !ask.deliveries(truth).isEmpty else { return }
        truth.problem("a replay of what there is was refused: \(error)")
    }

    /// The journal goes by when events were received, by a clock that is or was far from Salesforce's.
    private func isAstray(_ request: ReplayRequest) -> Bool {
        guard case .time = request.start, request.source != .salesforce else { return false }
        return world.worstSkew > ReplayAsk.clockSlack
    }

    private func meddle(_ verb: String, _ choice: Int, _ desk: Desk) async {
        guard let records = try? await desk.store.replays().filter({ !$0.state.isFinal }), !records.isEmpty else { return }
        let record = records[choice % records.count]
        if verb == "cancel" { cancelled(record) }
        world.faults.note("replay: \(verb)")
        _ = try? await desk.answer("replay.\(verb)", NamedReplay(id: record.id), as: ReplayView.self)
    }

    private func cancelled(_ record: ReplayRecord) {
        guard let plan = record.decodedPlan, let number = truth.replays.ask(of: plan) else { return }
        truth.replays.change(number) { $0.isCancelled = true }
    }

    // MARK: In the end

    private var resumed = 0

    /// What was paused or failed goes on; nothing that fails now is anybody's fault but the relay's.
    ///
    /// - Returns: whether all have ended.
    func complete(_ desk: Desk) async -> Bool {
        guard waiting == 0, !isBusy, let records = try? await desk.store.replays() else { return false }
        for record in records where record.state == .paused || record.state == .failed {
            resumed += 1
            if resumed > 20 { truth.problem("the replay \(record.id) fails again and again: \(record.detail)") }
            _ = try? await desk.answer("replay.resume", NamedReplay(id: record.id), as: ReplayView.self)
        }
        return records.allSatisfy { $0.state == .done || $0.state == .cancelled }
    }

    // MARK: Requests

    /// Nil while nothing has happened that could be replayed.
    private func draw() -> ReplayRequest? {
        let topic = random.pick(SimulatedOrg.topics)
        guard let happenings = truth.topics[topic], !happenings.isEmpty else { return nil }
        drawn += 1
        let chosen = random.pick(happenings)
        let isResent = world.scope.keepsSent && random.chance(400)
        var request = ReplayRequest(
            random.pick([
                .earliest, .time(chosen.commitTime - random.milliseconds(0...1)), .replayID(chosen.event.replayID.description),
            ]))
        if isResent { request.start = .time(chosen.commitTime - 1) }
        if !isResent, !cursors.isEmpty, random.chance(300) {
            request.start = .cursor(random.pick(cursors.keys.sorted()))
        }
        request.isAsRendered = isResent
        var isOfOne = random.chance(500)
        if case .replayID = request.start { isOfOne = true }
        if random.chance(200), !isResent { request.until = chosen.commitTime + random.milliseconds(1...200_000) }
        if random.chance(200) { request.rules = Array(SampleRules.ids(world.scope).shuffled(using: &random).prefix(2)) }
        if random.chance(150) { request.destinations = [random.pick(SampleRules.destinations)] }
        request.source = isResent ? nil : random.pick([nil, .journal, .salesforce])
        request.limit = ReplayAsk.unlimited + drawn
        if random.chance(250) {
            request.limit = random.within(1...12)
            request.rate = Double(random.pick([2, 100, 5_000])) + Double(drawn) / 64
            isOfOne = true
        }
        if isOfOne { request.topics = [topic] }
        return request
    }

    // MARK: Looking

    /// By topic, how many events the cursor has passed.
    private func positions(_ store: Store) async throws -> [String: Int] {
        var passed: [String: Int] = [:]
        for cursor in try await store.cursors() where cursor.key.scope == .live {
            passed[cursor.key.topic] = truth.count(through: cursor.replayID)
        }
        return passed
    }

    private func kept(_ store: Store, _ request: ReplayRequest) async throws -> [Wanted: Set<[UInt8]>] {
        // A limit counts what is sent, in an order that only the store knows.
        guard case .time(let since) = request.start, request.limit ?? 0 >= ReplayAsk.unlimited else { return [:] }
        var found: [Wanted: Set<[UInt8]>] = [:]
        for topic in request.topics.isEmpty ? SimulatedOrg.topics : request.topics {
            for (_, sent) in try await store.sent(of: topic, org: SimulatedOrg.id, after: 0, limit: 100_000) {
                guard sent.delivery.origin.time >= since else { continue }
                for wanted in Ledger.wanted(sent.delivery, truth) { found[wanted, default: []].insert(sent.delivery.body) }
            }
        }
        return found
    }
}

extension ReplayAsk {
    /// With room for what an event needs to get here.
    static let clockSlack: Int64 = 200_000
}

extension ReplayRecord {
    var decodedPlan: ReplayPlan? { try? JSONDecoder().decode(ReplayPlan.self, from: Data(plan)) }
}
