/// One request (or one claim on a flow run) for one destination: rendered once, sent byte for byte on every attempt.
package struct Delivery: Sendable, Equatable {
    package static let idPrefix = "sl_"

    /// `sl_` and 32 hex digits; the same on every attempt, after every restart and after every refetch of its event.
    package var id: String {
        @inlinable get { box.contents.id }
        set { change { $0.id = newValue } }
    }
    package var rule: String {
        @inlinable get { box.contents.rule }
        set { change { $0.rule = newValue } }
    }
    package var destination: String {
        @inlinable get { box.contents.destination }
        set { change { $0.destination = newValue } }
    }
    /// Deliveries of one destination with the same lane go one after another, in the order of the stream.
    package var lane: String {
        @inlinable get { box.contents.lane }
        set { change { $0.lane = newValue } }
    }
    package var target: DeliveryTarget {
        @inlinable get { box.contents.target }
        set { change { $0.target = newValue } }
    }
    /// The exact request body. Empty for a flow run.
    package var body: [UInt8] {
        @inlinable get { box.contents.body }
        set { change { $0.body = newValue } }
    }
    package var origin: DeliveryOrigin {
        @inlinable get { box.contents.origin }
        set { change { $0.origin = newValue } }
    }
    package var retry: RetryLimits {
        @inlinable get { box.contents.retry }
        set { change { $0.retry = newValue } }
    }

    package init(
        id: String, rule: String, destination: String, lane: String, target: DeliveryTarget, body: [UInt8],
        origin: DeliveryOrigin, retry: RetryLimits
    ) {
        box = Box(
            Contents(
                id: id, rule: rule, destination: destination, lane: lane, target: target, body: body, origin: origin,
                retry: retry))
    }

    package static func == (left: Delivery, right: Delivery) -> Bool {
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
package enum DeliveryTarget: Sendable, Hashable, Codable {
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

    package struct Header: Sendable, Hashable, Codable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }
}

extension DeliveryTarget {
    /// For a delivery that somebody has sent again: FlowMate drops what carries an ID that it has seen, after a yes.
    ///
    /// - Parameter earlier: the target as it was in the dead letters, if this one was rendered anew.
    package func redriven(after earlier: DeliveryTarget? = nil) -> DeliveryTarget {
        guard case .flow(let id, let own) = self else { return self }
        var count = own ?? 0
        if case .flow(_, let others)? = earlier { count = max(count, others ?? 0) }
        return .flow(id: id, redrive: count + 1)
    }
}

/// A claim on the next run of an integrator.io flow. Claims on one flow are gathered into one run.
package struct FlowRunRequest: Sendable, Hashable, Codable {
    package var flow: String
    /// Sources to run; empty means all.
    package var exports: [String]
    /// The least window this claim needs, epoch milliseconds. A run may widen it, never narrow it.
    package var from: Int64
    package var until: Int64
    /// Run when nothing was added for this long …
    package var quietMilliseconds: Int64
    /// … but not later than this after the first claim …
    package var maximumMilliseconds: Int64
    /// … or when this many claims wait.
    package var limit: Int

    package init(
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
package struct BatchClaim: Sendable, Hashable, Codable {
    /// Of the rule's `to`.
    package var deliveryIndex: Int
    /// One batch is open per destination, flow and this.
    package var key: String
    /// One delivery per record with the newest values, instead of one for all events.
    package var isLatest: Bool
    /// Close when nothing was added for this long …
    package var quietMilliseconds: Int64
    /// … but not later than this after the first event …
    package var maximumMilliseconds: Int64
    /// … or when this many events wait …
    package var limit: Int
    /// … or, unless nil, when another transaction than this comes along the stream.
    package var transactionKey: String?

    package init(
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
package struct DeliveryOrigin: Sendable, Equatable {
    package var orgID: String
    package var topic: String
    package var replayID: ReplayID
    package var entity: String
    package var change: String
    package var recordID: String
    /// Commit time, epoch milliseconds.
    package var time: Int64
    /// Nil for what is no change event, or was not told by one.
    package var commit: CommitPlace?

    package init(
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
package struct CommitPlace: Sendable, Equatable {
    package var number: Int64
    package var sequence: Int64

    package init(number: Int64, sequence: Int64) {
        self.number = number
        self.sequence = sequence
    }

    /// - Returns: nil without a commit number, as in what a backfill or a snapshot makes.
    package init?(_ header: ChangeEventHeader?) {
        guard let header, header.commitNumber > 0 else { return nil }
        self.init(number: header.commitNumber, sequence: header.sequenceNumber)
    }
}

/// How long a delivery is tried, and what happens then.
package struct RetryLimits: Sendable, Hashable {
    package enum OnError: String, Sendable { case deadletter, drop, pause }

    /// Since the first attempt.
    package var horizonMilliseconds: Int64
    package var maximumAttempts: Int?
    package var onError: OnError

    package init(
        horizonMilliseconds: Int64 = 24 * 3_600_000, maximumAttempts: Int? = nil, onError: OnError = .deadletter
    ) {
        self.horizonMilliseconds = horizonMilliseconds
        self.maximumAttempts = maximumAttempts
        self.onError = onError
    }
}
