import Events
import Store

/// What a store holds of the deliveries that are wanted.
struct Ledger {
    private(set) var pending: Set<Wanted> = []
    private(set) var dead: Set<Wanted> = []
    /// The same of replays.
    private(set) var pendingReplayed: Set<Replayed> = []
    private(set) var deadReplayed: Set<Replayed> = []
    private(set) var deadCount = 0
    private(set) var quarantined: Set<String> = []
    private(set) var cursors: [String: ReplayID] = [:]

    init(_ store: Store, _ truth: Truth) async throws(StoreError) {
        let reads = (SampleRules.destinations + ["crm"]).flatMap { name in
            [false, true].map { OutboxRead(destination: name, isGathered: $0, after: 0, limit: 1_000_000) }
        }
        for rows in try await store.pending(reads) {
            for row in rows {
                let (wanted, replayed) = Self.sorted(row.delivery, truth)
                pending.formUnion(wanted)
                pendingReplayed.formUnion(replayed)
            }
        }
        for letter in try await store.deadLetters(limit: 100_000) {
            deadCount += 1
            let (wanted, replayed) = Self.sorted(letter.delivery, truth)
            dead.formUnion(wanted)
            deadReplayed.formUnion(replayed)
        }
        quarantined = Set(try await store.quarantine(limit: 100_000).map(\.eventID))
        for cursor in try await store.cursors() where cursor.key.scope == .live {
            cursors[cursor.key.topic] = cursor.replayID
        }
    }

    /// In the end nothing waits any more.
    func checkEnd(_ truth: Truth, covered: (Wanted, Happening) -> Bool) {
        for (_, happenings) in truth.topics.sorted(by: { $0.key < $1.key }) {
            for happening in happenings {
                if happening.isUndecodable, !quarantined.contains(happening.event.id) {
                    truth.problem("\(happening.event.id) cannot be decoded and is not in quarantine")
                }
                for wanted in happening.wanted where truth.arrivals[wanted] == nil && !dead.contains(wanted) {
                    if !covered(wanted, happening) { truth.problem("\(wanted.key) never arrived, and is not parked either") }
                }
            }
        }
        for wanted in pending.sorted(by: { $0.key < $1.key }) { truth.problem("\(wanted.key) still waits in the end") }
    }

    private static func sorted(_ delivery: Delivery, _ truth: Truth) -> (live: [Wanted], replayed: [Replayed]) {
        let wanted = wanted(delivery, truth)
        guard let replay = ReplayedDelivery.replay(ofDelivery: delivery.id) else { return (wanted, []) }
        return ([], wanted.map { Replayed(replay: replay, wanted: $0) })
    }

    /// By its origin, or by what was gathered into it.
    static func wanted(_ delivery: Delivery, _ truth: Truth) -> [Wanted] {
        if let gathered = Body.gathered(delivery.body) { return gathered }
        guard let number = truth.numbers[delivery.origin.replayID],
            let event = truth.topics[delivery.origin.topic]?[number].event.id
        else { return [] }
        return SampleRules.names(of: delivery).map { Wanted(rule: $0, event: event, record: delivery.origin.recordID) }
    }

    /// The one promise: what the cursor passed has arrived, is kept, or is parked with a reason.
    func check(_ truth: Truth, covered: (Wanted, Happening) -> Bool) {
        for (topic, happenings) in truth.topics.sorted(by: { $0.key < $1.key }) {
            for happening in happenings.prefix(truth.count(through: cursors[topic])) {
                if happening.isUndecodable {
                    guard !quarantined.contains(happening.event.id) else { continue }
                    truth.problem("the cursor passed \(happening.event.id), which cannot be decoded and is not in quarantine")
                }
                for wanted in happening.wanted {
                    let isSafe =
                        truth.arrivals[wanted] != nil || pending.contains(wanted) || dead.contains(wanted)
                        || covered(wanted, happening)
                    if !isSafe { truth.problem("the cursor passed \(wanted.key), which is nowhere") }
                }
            }
        }
    }
}

/// What the bodies of the sample rules say.
enum Body {
    /// One delivery, as JSON or inside FlowMate's envelope.
    static func wanted(_ bytes: [UInt8]) -> [Wanted] {
        guard case .record(var fields)? = try? JSONReader.parse(bytes) else { return [] }
        if case .record(let data)? = fields["data"] { fields = data }
        if case .string(let key)? = fields["k"] {
            return Wanted(key).map { [$0] } ?? []
        }
        return gathered(fields) ?? []
    }

    /// Where the rule says it, whether the event was replayed.
    static func saysReplayed(_ bytes: [UInt8]) -> Bool? {
        guard case .record(let fields)? = try? JSONReader.parse(bytes), case .bool(let replayed)? = fields["r"] else { return nil }
        return replayed
    }

    static func gathered(_ bytes: [UInt8]) -> [Wanted]? {
        guard bytes.starts(with: Array("{\"batch\"".utf8)), case .record(let fields)? = try? JSONReader.parse(bytes) else {
            return nil
        }
        return gathered(fields)
    }

    private static func gathered(_ fields: Fields) -> [Wanted]? {
        guard case .list(let entries)? = fields["batch"] else { return nil }
        return entries.compactMap { entry in
            guard case .record(let entry) = entry, case .string(let event)? = entry["id"],
                case .string(let record)? = entry["recordId"]
            else { return nil }
            return Wanted(rule: "batch", event: event, record: record)
        }
    }
}
