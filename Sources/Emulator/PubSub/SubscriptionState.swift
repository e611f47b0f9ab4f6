import Events
import PubSub

/// One Subscribe stream: its place in the topic, its credit, and when it must say something. No sockets, no clocks.
///
/// Times are durations since any fixed moment.
struct SubscriptionState: Sendable {
    struct Limits: Sendable {
        /// Credit above this is silently cut off.
        var credit: Int32 = 100
        var batchEvents = 100
        var batchBytes = 3_000_000
        /// A stream without credit is closed after this.
        var zeroCredit: Duration = .seconds(60)
        /// An idle stream with credit gets an empty response this often.
        var keepalive: Duration = .seconds(60)
    }

    /// What the org lets the user have at this moment.
    struct Terms: Sendable, Equatable {
        /// IDs of schemas whose events the user is not given.
        var hidden: Set<String> = []
        /// Of events that may be delivered at all.
        var allowance = Int.max
    }

    let topic: String
    let rpcID: String
    let limits: Limits
    /// Events that may still be sent.
    private(set) var credit: Int32
    /// Everything up to here was sent.
    private(set) var position: UInt64
    private var lastResponse: Duration
    private var creditlessSince: Duration?

    /// - Parameter first: the first request of the stream; its topic must be the log's.
    init(
        first: FetchRequest, log: TopicLog, rpcID: String, limits: Limits, now: Duration
    ) throws(PubSubFailure) {
        guard first.numRequested > 0 else { throw .badCount(first.numRequested) }
        self.init(
            topic: first.topicName, position: try log.start(first), credit: first.numRequested, rpcID: rpcID,
            limits: limits, now: now)
    }

    /// - Parameters:
    ///   - position: what comes after it is sent.
    ///   - credit: may be zero; a client then has as long to ask for some as one that used up its own.
    init(topic: String, position: UInt64, credit: Int32, rpcID: String, limits: Limits, now: Duration) {
        self.topic = topic
        self.rpcID = rpcID
        self.limits = limits
        self.position = position
        self.credit = min(credit, limits.credit)
        lastResponse = now
        if credit == 0 { creditlessSince = now }
    }

    /// A later request. Its replay fields mean nothing.
    mutating func add(_ request: FetchRequest) throws(PubSubFailure) {
        guard request.topicName.isEmpty || request.topicName == topic else {
            throw .topicMismatch(first: topic, now: request.topicName)
        }
        guard request.numRequested > 0 else { throw .badCount(request.numRequested) }
        add(credit: request.numRequested)
    }

    /// - Parameter credit: above zero.
    mutating func add(credit more: Int32) {
        credit = min(limits.credit, credit + min(more, limits.credit))
        creditlessSince = nil
    }

    /// What is due now; call until nil.
    mutating func next(from log: TopicLog, terms: Terms = Terms(), now: Duration) -> StreamStep<FetchResponse>? {
        if credit > 0 {
            let batch = log.read(
                after: position, count: min(Int(credit), limits.batchEvents, max(1, terms.allowance)),
                bytes: limits.batchBytes, hidden: terms.hidden)
            if !batch.events.isEmpty {
                guard terms.allowance > 0 else { return .fail(.deliveryLimitReached) }
                return send(batch.events, upTo: batch.position, log: log, now: now)
            }
            position = batch.position
            return now - lastResponse >= limits.keepalive ? send([], upTo: position, log: log, now: now) : nil
        }
        guard let since = creditlessSince, now - since >= limits.zeroCredit else { return nil }
        return .close
    }

    /// When `next` is due even if nothing is published or requested.
    var deadline: Duration {
        creditlessSince.map { $0 + limits.zeroCredit } ?? lastResponse + limits.keepalive
    }

    private mutating func send(
        _ events: [ConsumerEvent], upTo position: UInt64, log: TopicLog, now: Duration
    ) -> StreamStep<FetchResponse> {
        self.position = position
        credit -= Int32(events.count)
        lastResponse = now
        if credit == 0 { creditlessSince = now }
        return .respond(
            FetchResponse(
                events: events, latestReplayID: log.latestReplayID, rpcID: rpcID, pendingNumRequested: credit))
    }
}
