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

    enum Step: Equatable {
        case respond(FetchResponse)
        /// No credit for too long: the stream is reset without trailers, as the real server does.
        case close
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
        topic = first.topicName
        self.rpcID = rpcID
        self.limits = limits
        position = try log.start(first)
        credit = min(first.numRequested, limits.credit)
        lastResponse = now
    }

    /// A later request. Its replay fields mean nothing.
    mutating func add(_ request: FetchRequest) throws(PubSubFailure) {
        guard request.topicName.isEmpty || request.topicName == topic else {
            throw .topicMismatch(first: topic, now: request.topicName)
        }
        guard request.numRequested > 0 else { throw .badCount(request.numRequested) }
        credit = min(limits.credit, credit + min(request.numRequested, limits.credit))
        creditlessSince = nil
    }

    /// What is due now; call until nil.
    mutating func next(from log: TopicLog, now: Duration) -> Step? {
        if credit > 0 {
            let batch = log.read(
                after: position, count: min(Int(credit), limits.batchEvents), bytes: limits.batchBytes)
            if !batch.events.isEmpty { return send(batch.events, upTo: batch.position, log: log, now: now) }
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
    ) -> Step {
        self.position = position
        credit -= Int32(events.count)
        lastResponse = now
        if credit == 0 { creditlessSince = now }
        return .respond(
            FetchResponse(
                events: events, latestReplayID: log.latestReplayID, rpcID: rpcID, pendingNumRequested: credit))
    }
}
