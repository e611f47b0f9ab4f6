import Events
import PubSub
import Salesforce

/// The Pub/Sub API as one process of the relay reaches it.
struct SimulatedPubSub: PubSubConnection {
    let org: SimulatedOrg
    let life: Life

    func subscribe(_ session: Session) async throws(StreamFailure) -> any FetchStream {
        try await travel()
        if org.faults.isOn(.pubsubDown) { throw .broken("connection refused") }
        if org.faults.isOn(.pubsubLimit) { throw .of("concurrent.client.limit.exceeded", "too many clients") }
        let isGood = org.isGood(session)
        if !isGood, org.random.chance(300) { throw .of("service.auth.error", "no such session") }
        let stream = SimulatedStream(org, life)
        org.opened(stream)
        if !isGood {
            org.machine.after(org.random.milliseconds(1...50)) {
                stream.end(.of("service.auth.error", "no such session"))
            }
        }
        return stream
    }

    func topic(_ name: String, _ session: Session) async throws(StreamFailure) -> TopicInfo {
        try await travel()
        return TopicInfo(topicName: name)
    }

    func schema(_ id: String, _ session: Session) async throws(StreamFailure) -> SchemaInfo {
        try await travel()
        if org.faults.isOn(.pubsubDown) { throw .broken("connection refused") }
        if org.faults.isOn(.schemaDown) { throw .of("service.unavailable", "no schemas at the moment") }
        guard org.isGood(session) else { throw .of("service.auth.error", "no such session") }
        guard let index = SampleEvents.ids.firstIndex(of: id) else {
            throw .of("schema.meta.permission", "this schema is not for you")
        }
        return SchemaInfo(schemaJSON: SampleEvents.schemas[index], schemaID: id)
    }

    /// Nothing in the simulation publishes.
    func publish(_ request: PublishRequest, _ session: Session) async throws(StreamFailure) -> PublishResponse {
        throw .of("service.unavailable", "nobody publishes here")
    }

    func close() async {}

    private func travel() async throws(StreamFailure) {
        do { try await life.sleep(for: org.random.milliseconds(5...120)) } catch { throw .broken("CANCELLED") }
    }
}

/// One Subscribe call, both ends.
///
/// Unchecked: see `Machine`.
final class SimulatedStream: FetchStream, @unchecked Sendable {
    private let org: SimulatedOrg
    private let life: Life
    private var machine: Machine { org.machine }
    /// Empty before the first request.
    private(set) var topic = ""
    /// What the server sends gets lost.
    var isSilent = false
    private var credit: Int32 = 0
    /// Where it began, and what was sent, both in events from the topic's start.
    private var start = 0
    private var sent = 0
    private var ended: StreamFailure?
    private var inbox: [FetchedBatch] = []
    private var reader: UnsafeContinuation<Void, Never>?
    /// Responses do not overtake each other.
    private var lastArrival: Int64 = 0
    private var lastSent: Int64 = 0
    private var underWay = 0

    init(_ org: SimulatedOrg, _ life: Life) {
        self.org = org
        self.life = life
    }

    // MARK: The client's end

    func request(_ request: FetchRequest) async throws(StreamFailure) {
        if let ended { throw ended }
        if life.isOver { return }
        machine.after(org.random.milliseconds(1...60)) { [self] in arrived(request) }
    }

    func next() async throws(StreamFailure) -> FetchedBatch? {
        while true {
            if !inbox.isEmpty, !life.isOver { return inbox.removeFirst() }
            if let ended { throw ended }
            await withTaskCancellationHandler {
                await withUnsafeContinuation { continuation in
                    if ended != nil { continuation.resume() } else { reader = continuation }
                }
            } onCancel: {
                end(.broken("CANCELLED"))
            }
        }
    }

    func cancel() async { end(.broken("CANCELLED")) }

    private func wake() {
        let waiting = reader
        reader = nil
        waiting?.resume()
    }

    func end(_ failure: StreamFailure) {
        guard ended == nil else { return }
        ended = failure
        org.closed(self)
        wake()
    }

    // MARK: The server's end

    private func arrived(_ request: FetchRequest) {
        guard ended == nil, !life.isOver, !isSilent else { return }
        if topic.isEmpty {
            topic = request.topicName
            guard let start = start(request) else { return end(.of("subscription.fetch.replayid.corrupted", "no such ID")) }
            self.start = start
            sent = start
            lastSent = machine.now
            beat()
        }
        credit = min(100, credit + request.numRequested)
        pump()
    }

    private func start(_ request: FetchRequest) -> Int? {
        switch request.replayPreset {
        case .latest: return org.truth.topics[topic]?.count ?? 0
        case .earliest: return 0
        case .custom:
            guard let id = request.replayID, let position = org.position(id, topic) else {
                org.truth.problem("\(topic): subscribed with a replay ID that Salesforce never gave out")
                return nil
            }
            // An event that was passed over for what a read had brought has no ID that its receiver knows: it would come
            // again as an older state behind a newer one.
            guard topic != SimulatedRecords.topic else { return position }
            if org.refusals > 0 {
                org.refusals -= 1
                org.truth.mayRepeat = true
                org.faults.note("stored replay ID refused")
                return nil
            }
            guard position > 0, org.random.chance(60) else { return position }
            org.faults.note("events before the replay ID come again")
            org.truth.mayRepeat = true
            return max(0, position - org.random.within(1...6))
        }
    }

    /// Sends what there is, as far as the credit goes, in batches of any size.
    func pump() {
        guard ended == nil, !life.isOver, !topic.isEmpty else { return }
        let happenings = org.truth.topics[topic] ?? []
        while credit > 0, sent < happenings.count {
            if sent > start + 2, org.random.chance(15) {
                org.faults.note("batch sent twice")
                org.hasSentTwice = true
                sent -= org.random.within(1...2)
            }
            let most = min(Int(credit), happenings.count - sent, org.random.pick([1, 2, 5, 20, 100]))
            let batch = happenings[sent..<(sent + org.random.within(1...most))]
            // Of the records' topic, most events are of one record.
            org.largestBatch = max(org.largestBatch, batch.reduce(0) { $0 + max($1.wanted.count, 3) })
            let events = batch.map(\.event)
            sent += events.count
            credit -= Int32(events.count)
            send(FetchResponse(events: Array(events), latestReplayID: org.latest(topic), pendingNumRequested: credit))
        }
        if credit == 0 { starve(since: machine.now) }
    }

    /// A stream without credit for a minute is closed.
    private func starve(since moment: Int64) {
        machine.after(60_000) { [self] in
            guard credit == 0, ended == nil, !life.isOver, lastSent <= moment else { return }
            org.faults.note("closed for lack of credit")
            end(.broken("the server closed the stream: no credit"))
        }
    }

    private func beat() {
        machine.after(org.random.milliseconds(60_000...260_000)) { [self] in
            guard ended == nil, !life.isOver else { return }
            if credit > 0, machine.now - lastSent >= 60_000 {
                send(FetchResponse(latestReplayID: org.latest(topic), pendingNumRequested: credit))
            }
            beat()
        }
    }

    private func send(_ response: FetchResponse) {
        lastSent = machine.now
        guard !isSilent, !org.faults.isOn(.silence) else {
            isSilent = true
            return
        }
        lastArrival = max(lastArrival, machine.now + org.random.milliseconds(1...80))
        machine.at(lastArrival) { [self] in
            guard ended == nil, !life.isOver, !isSilent else { return }
            inbox.append(FetchedBatch(response: response, bytes: response.encode()))
            if let last = response.events.last { org.onArrival?(topic, last.replayID) }
            wake()
        }
    }
}
