import Events
import Relay
import Store

/// A delivery of a replay.
struct Replayed: Hashable {
    var replay: String
    var wanted: Wanted
}

/// What was asked of replays, and what receivers got of them.
///
/// Unchecked: see `Machine`.
final class ReplayTruth: @unchecked Sendable {
    private(set) var asks: [ReplayAsk] = []
    private(set) var arrivals: [Replayed: Int] = [:]
    private var bodies: [Replayed: Set<[UInt8]>] = [:]
    private var acknowledged: Set<Replayed> = []
    private var settled: Set<Replayed> = []
    private var newest: [String: Int] = [:]
    private var overtaken: [Replayed] = []
    private var repeated: [Replayed] = []
    private var events: [String: Set<String>] = [:]
    /// Of deliveries with one event each, the ID that they had, or would have had, on the live stream.
    private var liveIDs: [Wanted: String] = [:]

    // MARK: The operator

    func asked(_ ask: ReplayAsk) -> Int {
        asks.append(ask)
        return asks.count - 1
    }

    func change(_ number: Int, _ body: (inout ReplayAsk) -> Void) { body(&asks[number]) }

    func ask(of plan: ReplayPlan) -> Int? { asks.firstIndex { $0.isOf(plan) } }

    // MARK: Receivers

    /// - Parameter number: of the event's wanted deliveries, in the order of the stream.
    func acted(_ delivery: Replayed, number: Int, body: [UInt8]) {
        arrivals[delivery, default: 0] += 1
        bodies[delivery, default: []].insert(body)
        events[delivery.replay, default: []].insert(delivery.wanted.event)
        if settled.contains(delivery) { repeated.append(delivery) }
        guard arrivals[delivery] == 1 else { return }
        let lane = "\(delivery.replay) \(delivery.wanted.lane)"
        let newest = newest[lane] ?? -1
        if number < newest { overtaken.append(delivery) }
        self.newest[lane] = max(newest, number)
    }

    func acknowledged(_ delivery: Replayed) { acknowledged.insert(delivery) }

    /// A replay's delivery has the ID of the live one, and its replay's name behind it.
    func named(_ id: String, _ wanted: Wanted, _ truth: Truth) {
        let id = ReplayedDelivery.liveID(id)
        if let known = liveIDs[wanted], known != id { truth.problem("\(wanted.key) came as \(known) and as \(id)") }
        liveIDs[wanted] = id
    }

    /// After a stop that ended well: positions and deliveries are stored together, so nothing comes again.
    func settle(_ ledger: Ledger) { settled = acknowledged.subtracting(ledger.pendingReplayed) }

    // MARK: The end

    /// - Parameters:
    ///   - records: of the store, with their plans.
    ///   - covered: whether a flow run that began since then saw to it.
    func check(
        _ records: [(record: ReplayRecord, plan: ReplayPlan)], _ ledger: Ledger, _ truth: Truth,
        covered: (Wanted, Int64) -> Bool
    ) {
        let known = Set(records.map(\.record.id))
        for replay in events.keys.sorted() where !known.contains(replay) {
            truth.problem("deliveries of a replay \(replay) came, and the store knows no such replay")
        }
        for (record, plan) in records.sorted(by: { $0.record.id < $1.record.id }) {
            guard let number = ask(of: plan) else {
                truth.problem("nobody asked for the replay \(record.id)")
                continue
            }
            let ask = asks[number]
            checkSpan(record.id, ask, plan, truth)
            checkOrder(record.id, ask, plan, ledger, truth)
            guard !ask.isCancelled else { continue }
            if record.state != .done { truth.problem("the replay \(record.id) is \(record.state) in the end") }
            for wanted in ask.deliveries(truth) {
                let delivery = Replayed(replay: record.id, wanted: wanted)
                let isDone = arrivals[delivery] != nil || ledger.deadReplayed.contains(delivery) || covered(wanted, ask.askedAt)
                if !isDone { truth.problem("the replay \(record.id) owes \(wanted.key): never arrived, and is not parked") }
            }
        }
        for delivery in ledger.pendingReplayed.sorted(by: { $0.wanted.key < $1.wanted.key }) {
            truth.problem("\(delivery.wanted.key) of \(delivery.replay) still waits in the end")
        }
    }

    /// Nothing came that was not asked for.
    private func checkSpan(_ replay: String, _ ask: ReplayAsk, _ plan: ReplayPlan, _ truth: Truth) {
        // One that begins again after a power loss may begin with older ones, and bring others than before.
        if let limit = ask.limit, !ask.request.isAsRendered, !truth.mayRepeat, let count = events[replay]?.count,
            count > limit
        {
            truth.problem("the replay \(replay) brought \(count) events, \(limit) at most")
        }
        for (delivery, _) in arrivals.filter({ $0.key.replay == replay }) {
            let wanted = delivery.wanted
            guard let (topic, number) = truth.place(of: wanted.event) else { continue }
            let happening = truth.topics[topic]![number]
            // What was gathered from two topics counts among those of the one.
            let isMixed = ask.request.isAsRendered && wanted.rule == "batch"
            guard isMixed || plan.topics.contains(where: { $0.topic == topic }), ask.wants(wanted),
                happening.at <= ask.askedAt + ask.clockLead + Self.slack
            else {
                truth.problem("the replay \(replay) brought \(wanted.key), which was not asked for")
                continue
            }
            // Salesforce, or the journal, may have begun with older ones.
            if !isMixed, !truth.mayRepeat, !ask.includes(happening, at: number, truth) {
                truth.problem("the replay \(replay) brought \(wanted.key), which is not in its span")
            }
            if !ask.request.isAsRendered, bodies[delivery]!.contains(where: { Body.saysReplayed($0) == false }) {
                truth.problem("the event of \(wanted.key) of the replay \(replay) does not say that it is replayed")
            }
            if ask.request.isAsRendered, let kept = ask.kept[wanted], !bodies[delivery]!.isSubset(of: kept) {
                truth.problem("the replay \(replay) brought \(wanted.key) otherwise than it was sent")
            }
        }
    }

    /// From asking until the plan is made, which the relay's disk may take its time for.
    private static let slack: Int64 = 600_000

    private func checkOrder(_ replay: String, _ ask: ReplayAsk, _ plan: ReplayPlan, _ ledger: Ledger, _ truth: Truth) {
        // Then the journal, and what was kept, have events twice, the older ones behind newer ones.
        guard !truth.mayRepeat else { return }
        // What was kept of an earlier replay takes the place of a request that was lost, and stands behind later ones.
        if ask.request.isAsRendered, truth.mayMissKept { return }
        for delivery in overtaken where delivery.replay == replay && !ledger.deadReplayed.contains(delivery) {
            // What was gathered from two topics counts among those of the one, when topics go one after another.
            if ask.request.isAsRendered, delivery.wanted.rule == "batch" { continue }
            truth.problem("\(delivery.wanted.key) of the replay \(replay) overtaken in its lane")
        }
        // What was kept of other replays comes once more.
        guard !ask.request.isAsRendered else { return }
        for delivery in repeated where delivery.replay == replay {
            truth.problem(
                "\(delivery.wanted.key) of the replay \(replay) was acknowledged before a stop that ended well, and came again")
        }
    }
}
