import Events
import Store

/// What happened outside the relay, which the relay is held to: everything that was published, and everything that
/// receivers acted on.
///
/// Unchecked: see `Machine`.
final class Truth: @unchecked Sendable {
    private(set) var topics: [String: [Happening]] = [:]
    private(set) var numbers: [ReplayID: Int] = [:]
    let replays = ReplayTruth()
    /// Every time that a receiver acted on a delivery.
    private(set) var arrivals: [Wanted: Int] = [:]
    /// Acknowledged before a stop that ended well, and passed by the cursor.
    private(set) var settled: Set<Wanted> = []
    private(set) var acknowledged: Set<Wanted> = []
    private(set) var duplicates = 0
    private(set) var deliveries = 0
    private var order: [String: Int] = [:]
    private var newest: [String: (first: Int, last: Int)] = [:]
    private(set) var problems: [String] = []
    private var overtaken: [Wanted] = []
    /// Salesforce began anew with old events. What was acknowledged may come again, and then after newer ones which waited
    /// in the store meanwhile: a receiver tells them by their IDs.
    var mayRepeat = false
    /// A crash took acknowledged requests along before they were kept for `replay --resend`.
    var mayMissKept = false

    func problem(_ text: String) {
        guard problems.count < 20 else { return }
        problems.append(text)
    }

    // MARK: Salesforce

    var events: Int { topics.values.reduce(0) { $0 + $1.count } }

    func happened(_ happening: Happening, topic: String) {
        topics[topic, default: []].append(happening)
        let number = topics[topic]!.count - 1
        numbers[happening.event.replayID] = number
        for wanted in happening.wanted { order[wanted.key] = order.count }
    }

    /// Topic and number of an event, by its name.
    func place(of event: String) -> (topic: String, number: Int)? {
        let parts = event.dropFirst().split(separator: "-").compactMap { Int($0) }
        guard parts.count == 2, SimulatedOrg.topics.indices.contains(parts[0]) else { return nil }
        return (SimulatedOrg.topics[parts[0]], parts[1])
    }

    /// Events of a topic up to and including that position.
    func count(through id: ReplayID?) -> Int { id.flatMap { numbers[$0] }.map { $0 + 1 } ?? 0 }

    /// After a stop that ended well.
    ///
    /// - Parameter ledger: what the store holds then. A row that was taken away before the power failed may be back.
    func settle(_ ledger: Ledger) {
        for (topic, happenings) in topics {
            for happening in happenings.prefix(count(through: ledger.cursors[topic])) {
                settled.formUnion(happening.wanted.filter { acknowledged.contains($0) && !ledger.pending.contains($0) })
            }
        }
        replays.settle(ledger)
    }

    // MARK: Receivers

    /// A receiver acts on a delivery.
    ///
    /// - Parameter replay: the one that it says it belongs to.
    func acted(_ wanted: Wanted, replay: String?, body: [UInt8]) {
        deliveries += 1
        guard let number = order[wanted.key] else {
            return problem("\(wanted.key) arrived, and nobody wants it")
        }
        if let replay { return replays.acted(Replayed(replay: replay, wanted: wanted), number: number, body: body) }
        arrivals[wanted, default: 0] += 1
        let isFirst = arrivals[wanted] == 1
        if !isFirst {
            duplicates += 1
            if settled.contains(wanted), !mayRepeat {
                problem("\(wanted.key) was acknowledged before a stop that ended well, and came again")
            }
        }
        let lane = wanted.lane
        var place = newest[lane] ?? (first: -1, last: -1)
        if isFirst {
            if number < place.first { overtaken.append(wanted) }
            place.first = max(place.first, number)
        }
        place.last = number
        newest[lane] = place
    }

    func acknowledged(_ wanted: Wanted, replay: String?) {
        if let replay { replays.acknowledged(Replayed(replay: replay, wanted: wanted)) } else { acknowledged.insert(wanted) }
    }

    /// - Parameter dead: in the dead letters. Events that are fetched again may bring such a delivery after all.
    func checkOrder(dead: Set<Wanted>) {
        for wanted in overtaken where !dead.contains(wanted) {
            problem("\(wanted.key) overtaken in its lane: a later one arrived before")
        }
        checkLastArrivals()
    }

    /// A record's receiver must end with the newest that it ever got.
    private func checkLastArrivals() {
        guard !mayRepeat else { return }
        for (lane, place) in newest.sorted(by: { $0.key < $1.key }) where place.last < place.first {
            problem("lane \(lane) ends with an older delivery than it had got")
        }
    }
}
