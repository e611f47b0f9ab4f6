/// One request (or one claim on a flow run) for one destination: rendered once, sent byte for byte on every attempt.
public struct Delivery: Sendable, Equatable {
    public static let idPrefix = "sl_"

    /// `sl_` and 32 hex digits; the same on every attempt, after every restart and after every refetch of its event.
    public var id: String {
        @inlinable get { box.contents.id }
        set { change { $0.id = newValue } }
    }
    public var rule: String {
        @inlinable get { box.contents.rule }
        set { change { $0.rule = newValue } }
    }
    public var destination: String {
        @inlinable get { box.contents.destination }
        set { change { $0.destination = newValue } }
    }
    /// Deliveries of one destination with the same lane go one after another, in the order of the stream.
    public var lane: String {
        @inlinable get { box.contents.lane }
        set { change { $0.lane = newValue } }
    }
    public var target: DeliveryTarget {
        @inlinable get { box.contents.target }
        set { change { $0.target = newValue } }
    }
    /// The exact request body. Empty for a flow run.
    public var body: [UInt8] {
        @inlinable get { box.contents.body }
        set { change { $0.body = newValue } }
    }
    public var origin: DeliveryOrigin {
        @inlinable get { box.contents.origin }
        set { change { $0.origin = newValue } }
    }
    public var retry: RetryLimits {
        @inlinable get { box.contents.retry }
        set { change { $0.retry = newValue } }
    }

    public init(
        id: String, rule: String, destination: String, lane: String, target: DeliveryTarget, body: [UInt8],
        origin: DeliveryOrigin, retry: RetryLimits
    ) {
        box = Box(
            Contents(
                id: id, rule: rule, destination: destination, lane: lane, target: target, body: body, origin: origin,
                retry: retry))
    }

    public static func == (left: Delivery, right: Delivery) -> Bool {
        left.box === right.box || left.box.contents == right.box.contents
    }

    /// One word, since a delivery goes through many hands and nearly never changes. Read in place, as an `Event` is.
    @usableFromInline var box: Box

    @usableFromInline final class Box: Sendable {
        @usableFromInline let contents: Contents

        init(_ contents: Contents) { self.contents = contents }
    }

    @usableFromInline struct Contents: Sendable, Equatable {
        @usableFromInline var id: String
        @usableFromInline var rule: String
        @usableFromInline var destination: String
        @usableFromInline var lane: String
        @usableFromInline var target: DeliveryTarget
        @usableFromInline var body: [UInt8]
        @usableFromInline var origin: DeliveryOrigin
        @usableFromInline var retry: RetryLimits
    }

    private mutating func change(_ body: (inout Contents) -> Void) {
        var contents = box.contents
        body(&contents)
        box = Box(contents)
    }
}

/// What is called, beyond what the destination already says.
public enum DeliveryTarget: Sendable, Hashable, Codable {
    /// `path` is already percent-encoded and starts with a slash, or is empty.
    case webhook(method: String, path: String, headers: [Header])
    /// A FlowMate flow, by its 24 hex digits. `redrive` counts how often somebody had it sent again after it had come to
    /// the dead letters; nil for never.
    case flow(id: String, redrive: Int? = nil)
    /// An integrator.io listener, by the operator's name for it.
    case listener(name: String)
    case run(FlowRunRequest)
    /// One event of a batch that is still open; the body holds the event (`RecordedEvent`). Never sent as it is.
    case batch(BatchClaim)

    public struct Header: Sendable, Hashable, Codable {
        public var name: String
        public var value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }
}

extension DeliveryTarget {
    /// An event that is gathered, and not yet a request.
    package var isClaimOnBatch: Bool {
        if case .batch = self { true } else { false }
    }

    /// For a delivery that somebody has sent again: FlowMate drops what carries an ID that it has seen, after a yes.
    ///
    /// - Parameter earlier: the target as it was in the dead letters, if this one was rendered anew.
    public func redriven(after earlier: DeliveryTarget? = nil) -> DeliveryTarget {
        guard case .flow(let id, let own) = self else { return self }
        var count = own ?? 0
        if case .flow(_, let others)? = earlier { count = max(count, others ?? 0) }
        return .flow(id: id, redrive: count + 1)
    }
}

/// A claim on the next run of an integrator.io flow. Claims on one flow are gathered into one run.
public struct FlowRunRequest: Sendable, Hashable, Codable {
    public var flow: String
    /// Sources to run; empty means all.
    public var exports: [String]
    /// The least window this claim needs, epoch milliseconds. A run may widen it, never narrow it.
    public var from: Int64
    public var until: Int64
    /// Run when nothing was added for this long …
    public var quietMilliseconds: Int64
    /// … but not later than this after the first claim …
    public var maximumMilliseconds: Int64
    /// … or when this many claims wait.
    public var limit: Int

    public init(
        flow: String, exports: [String], from: Int64, until: Int64, quietMilliseconds: Int64,
        maximumMilliseconds: Int64, limit: Int
    ) {
        self.flow = flow
        self.exports = exports
        self.from = from
        self.until = until
        self.quietMilliseconds = quietMilliseconds
        self.maximumMilliseconds = maximumMilliseconds
        self.limit = limit
    }
}

/// A claim on a delivery that gathers events: when it is to be closed, and who then renders it.
public struct BatchClaim: Sendable, Hashable, Codable {
    /// Of the rule's `to`.
    public var deliveryIndex: Int
    /// One batch is open per destination, flow and this.
    public var key: String
    /// One delivery per record with the newest values, instead of one for all events.
    public var isLatest: Bool
    /// Close when nothing was added for this long …
    public var quietMilliseconds: Int64
    /// … but not later than this after the first event …
    public var maximumMilliseconds: Int64
    /// … or when this many events wait …
    public var limit: Int
    /// … or, unless nil, when another transaction than this comes along the stream.
    public var transactionKey: String?

    public init(
        deliveryIndex: Int, key: String, isLatest: Bool, quietMilliseconds: Int64, maximumMilliseconds: Int64,
        limit: Int, transactionKey: String?
    ) {
        self.deliveryIndex = deliveryIndex
        self.key = key
        self.isLatest = isLatest
        self.quietMilliseconds = quietMilliseconds
        self.maximumMilliseconds = maximumMilliseconds
        self.limit = limit
        self.transactionKey = transactionKey
    }
}

/// The event a delivery came from.
public struct DeliveryOrigin: Sendable, Equatable {
    public var orgID: String
    public var topic: String
    public var replayID: ReplayID
    public var entity: String
    public var change: String
    public var recordID: String
    /// Commit time, epoch milliseconds.
    public var time: Int64
    /// Nil for what is no change event, or was not told by one.
    public var commit: CommitPlace?

    public init(
        orgID: String, topic: String, replayID: ReplayID, entity: String, change: String, recordID: String, time: Int64,
        commit: CommitPlace? = nil
    ) {
        self.orgID = orgID
        self.topic = topic
        self.replayID = replayID
        self.entity = entity
        self.change = change
        self.recordID = recordID
        self.time = time
        self.commit = commit
    }
}

/// Where a change stands among all changes of its org: `commitNumber`, and `sequenceNumber` within the transaction.
public struct CommitPlace: Sendable, Equatable {
    public var number: Int64
    public var sequence: Int64

    public init(number: Int64, sequence: Int64) {
        self.number = number
        self.sequence = sequence
    }

    /// - Returns: nil without a commit number, as in what a backfill or a snapshot makes.
    public init?(_ header: ChangeEventHeader?) {
        guard let header, header.commitNumber > 0 else { return nil }
        self.init(number: header.commitNumber, sequence: header.sequenceNumber)
    }
}

/// How long a delivery is tried, and what happens then.
public struct RetryLimits: Sendable, Hashable {
    public enum OnError: String, Sendable { case deadletter, drop, pause }

    /// Since the first attempt.
    public var horizonMilliseconds: Int64
    public var maximumAttempts: Int?
    public var onError: OnError

    public init(
        horizonMilliseconds: Int64 = 24 * 3_600_000, maximumAttempts: Int? = nil, onError: OnError = .deadletter
    ) {
        self.horizonMilliseconds = horizonMilliseconds
        self.maximumAttempts = maximumAttempts
        self.onError = onError
    }
}
