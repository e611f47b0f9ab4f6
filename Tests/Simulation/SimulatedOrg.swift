import Events
import PubSub
import Salesforce

/// Salesforce: topics with their events, sessions, and the Pub/Sub API, with what can go wrong there.
///
/// Unchecked: see `Machine`.
final class SimulatedOrg: @unchecked Sendable {
    static let id = "00D000000000001EAA"
    static let instance = "https://acme.my.salesforce.com"
    static let topics = ["/data/SampleChangeEvent", "/data/Other__chn"]

    let machine: Machine
    let truth: Truth
    let faults: Faults
    /// In this world.
    let topics: [String]
    private let scope: Scope
    var random: SeededRandom
    private(set) var streams: [SimulatedStream] = []
    /// The session that is good; those before it have ended.
    private var session = 1
    private var bases: [String: ReplayID] = [:]
    private var positions: [String: UInt64] = [:]
    /// Called with topic and position when a response with events is with the relay.
    var onArrival: ((String, ReplayID) -> Void)?
    /// Deliveries that one response may bring.
    var largestBatch = 0
    /// A response came twice, and so ended with an earlier event than the one before.
    var hasSentTwice = false
    /// So many stored replay IDs will be refused.
    var refusals = 0

    init(seed: UInt64, scope: Scope, machine: Machine, truth: Truth, faults: Faults) {
        self.scope = scope
        self.machine = machine
        self.truth = truth
        self.faults = faults
        topics = Self.topics + (scope.records ? [SimulatedRecords.topic] : [])
        random = SeededRandom(seed: seed ^ 0x6F_7267)
        for (index, topic) in topics.enumerated() {
            positions[topic] = UInt64(1_000 * (index + 1))
            bases[topic] = Self.replayID(positions[topic]!, index)
        }
    }

    /// Salesforce's clock is right.
    var wall: Int64 { World.epoch + machine.now }

    /// In the end, see `World.service`.
    func clear() {
        streams = []
        onArrival = nil
    }

    // MARK: Events

    func latest(_ topic: String) -> ReplayID { truth.topics[topic]?.last?.event.replayID ?? bases[topic]! }

    /// How many events come at or before it; nil if it is not of this topic.
    func position(_ id: ReplayID, _ topic: String) -> Int? {
        if id == bases[topic] { return 0 }
        return truth.numbers[id].map { $0 + 1 }
    }

    /// A transaction: one or several events of one topic.
    func commit() {
        let index = random.below(Self.topics.count)
        let transaction = "tx-\(machine.now)"
        for _ in 0..<random.pick([1, 1, 1, 2, 3, 5]) { publish(index, transaction) }
        let topic = Self.topics[index]
        for stream in streams where stream.topic == topic { stream.pump() }
    }

    /// An event that is nobody's but the records'.
    ///
    /// - Parameter payload: by the version of the schema.
    func publish(_ payload: (Int) -> [UInt8], of topic: String, commitTime: Int64) {
        guard let index = topics.firstIndex(of: topic) else { return }
        let version = machine.now > schemaChange ? 1 : 0
        let event = ConsumerEvent(
            id: "t\(index)-\(truth.topics[topic]?.count ?? 0)", schemaID: SampleEvents.ids[version],
            replayID: nextReplayID(index), payload: payload(version))
        truth.happened(Happening(event: event, at: machine.now, commitTime: commitTime), topic: topic)
        for stream in streams where stream.topic == topic { stream.pump() }
    }

    private func publish(_ index: Int, _ transaction: String) {
        let change = random.pick([.create, .create, .update, .update, .update, .update, .delete, .undelete, .gapUpdate])
            as SampleEvents.Change
        // Of each topic its own, so that order between topics does not matter.
        let pool = (0..<4).map { "a0B00000000\(index)00\($0)AAA" }
        var records = [random.pick(pool)]
        if random.chance(120) { records = Array(pool.prefix(random.within(2...3))) }
        let value: Double? = change == .create || (change == .update && random.chance(850)) ? Double(random.below(100)) : nil
        publish(index, change, of: records, value, transaction)
    }

    /// What a client wrote comes as an event as well.
    ///
    /// - Parameter client: `client=Sluice`
    func echo(of record: String, client: String) {
        guard truth.problems.isEmpty, let index = record.dropFirst(11).first?.wholeNumberValue else { return }
        faults.note("own change comes back")
        machine.after(random.milliseconds(1...3_000)) { [self] in
            publish(index, .update, of: [record], nil, "tx-\(machine.now)", client: client)
            for stream in streams where stream.topic == Self.topics[index] { stream.pump() }
        }
    }

    /// Their clients' names are left out of events.
    var forgetsClients = false

    private func publish(
        _ index: Int, _ change: SampleEvents.Change, of records: [String], _ value: Double?, _ transaction: String,
        client: String = ""
    ) {
        let topic = Self.topics[index]
        let number = truth.topics[topic]?.count ?? 0
        let id = "t\(index)-\(number)"
        let version = machine.now > schemaChange ? 1 : 0
        var payload = SampleEvents.payload(
            change, records: records, number: value, transaction: transaction, commitTime: wall, version: version,
            client: forgetsClients ? "" : client)
        var schemaID = SampleEvents.ids[version]
        var happening = Happening(
            event: ConsumerEvent(id: id, schemaID: schemaID, replayID: nextReplayID(index), payload: []), at: machine.now,
            commitTime: wall)
        if random.chance(25) {
            happening.isUndecodable = true
            if random.chance(300) {
                faults.note("event of a schema that nobody may read")
                schemaID = "unreadable-schema-0000"
            } else {
                faults.note("undecodable event")
                payload = Array(payload.prefix(random.below(payload.count)))
            }
        } else {
            let rules = SampleRules.wanting(change, number: value, scope)
            for rule in client.isEmpty ? rules : rules.filter({ $0 != "write" }) {
                happening.wanted += records.map { Wanted(rule: rule, event: id, record: $0) }
            }
        }
        happening.event.schemaID = schemaID
        happening.event.payload = payload
        truth.happened(happening, topic: topic)
    }

    /// From then on events have another schema.
    var schemaChange = Int64.max

    private func nextReplayID(_ index: Int) -> ReplayID {
        let topic = topics[index]
        positions[topic]! += UInt64(random.within(1...3))
        return Self.replayID(positions[topic]!, index)
    }

    private static func replayID(_ position: UInt64, _ index: Int) -> ReplayID {
        ReplayID((0..<8).map { UInt8(truncatingIfNeeded: position >> UInt64(56 - 8 * $0)) } + [UInt8(index), 0])!
    }

    // MARK: Sessions

    var token: String { "00D!token-\(session)" }

    func isGood(_ session: Session) -> Bool { session.accessToken.exposed == token }

    /// - Parameter breaking: streams end with it; otherwise only later calls are refused.
    func endSession(breaking: Bool) {
        session += 1
        guard breaking else { return }
        breakStreams(.of("service.auth.error", "the session has ended"))
    }

    // MARK: Streams

    func opened(_ stream: SimulatedStream) { streams.append(stream) }

    func closed(_ stream: SimulatedStream) { streams.removeAll { $0 === stream } }

    func breakStreams(_ failure: StreamFailure) {
        for stream in streams { stream.end(failure) }
    }

    /// Connections that are dead, and do not know it.
    func silence() {
        for stream in streams { stream.isSilent = true }
    }
}

extension StreamFailure {
    /// As the client makes it of Salesforce's error code.
    static func of(_ code: String, _ words: String) -> StreamFailure {
        StreamFailure(reaction: ErrorCode.reaction(to: code) ?? .reconnect(minimum: .zero), reason: "\(code): \(words)")
    }

    static func broken(_ words: String) -> StreamFailure { StreamFailure(reaction: .reconnect(minimum: .zero), reason: words) }
}
