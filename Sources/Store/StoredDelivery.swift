import Events

/// A delivery and how far it got.
package struct StoredDelivery: Sendable, Equatable {
    /// Its place in the order of the stream, unique in this store and never given twice while it is kept.
    package var seq: Int64
    package var delivery: Delivery
    package var progress: DeliveryProgress

    package init(seq: Int64, delivery: Delivery, progress: DeliveryProgress = DeliveryProgress()) {
        self.seq = seq
        self.delivery = delivery
        self.progress = progress
    }
}

/// What was tried so far. Times are epoch milliseconds.
package struct DeliveryProgress: Sendable, Equatable {
    /// Attempts kept in `history`: the first one and the latest ones.
    package static let maximumHistory = 10

    package private(set) var attempts = 0
    /// Those of `attempts` that met a hold, or asked nobody; they do not count against a limit of attempts.
    package private(set) var heldAttempts = 0
    package private(set) var firstAttemptAt: Int64?
    package var nextAttemptAt: Int64?
    package private(set) var history: [AttemptRecord] = []

    package init() {}

    init(
        attempts: Int, heldAttempts: Int, firstAttemptAt: Int64?, nextAttemptAt: Int64?, history: [AttemptRecord]
    ) {
        self.attempts = attempts
        self.heldAttempts = heldAttempts
        self.firstAttemptAt = firstAttemptAt
        self.nextAttemptAt = nextAttemptAt
        self.history = history
    }

    package var lastError: String? { history.last?.reason }

    /// How many attempts, up to the last one, ended with this status; as far as they are kept.
    package func answersInARow(of status: Int?) -> Int { history.reversed().prefix { $0.status == status }.count }

    /// - Parameter startedAt: when the attempt began; that of the first one starts the horizon.
    package mutating func append(_ attempt: AttemptRecord, startedAt: Int64, held: Bool = false) {
        attempts += 1
        if held { heldAttempts += 1 }
        firstAttemptAt = firstAttemptAt ?? startedAt
        if history.count == Self.maximumHistory { history.remove(at: 1) }
        history.append(attempt)
    }
}

/// One attempt, as `dlq show` tells it; or, with number 0, what an operator did between two attempts.
package struct AttemptRecord: Sendable, Equatable, Codable {
    /// From 1; 0 marks what an operator did.
    package var number: Int
    /// When it ended, epoch milliseconds.
    package var at: Int64
    package var status: Int?
    package var reason: String
    /// The start of the answer.
    package var excerpt: String
    package var possibleDuplicate: Bool
    /// Those of the answer that explain it (`retry-after: 30`); nil when none did.
    package var headers: [String]?

    package init(
        number: Int, at: Int64, status: Int?, reason: String, excerpt: String = "", possibleDuplicate: Bool = false,
        headers: [String]? = nil
    ) {
        self.number = number
        self.at = at
        self.status = status
        self.reason = reason
        self.excerpt = excerpt
        self.possibleDuplicate = possibleDuplicate
        self.headers = headers
    }

    /// What an operator did, between the attempts.
    /// It says what an operator did, and is no attempt.
    package var isMark: Bool { number == 0 }

    package static func mark(_ words: String, at: Int64) -> AttemptRecord {
        AttemptRecord(number: 0, at: at, status: nil, reason: words)
    }
}

extension Delivery {
    /// A claim on a run or a batch: it goes to a collector, not to a lane.
    package var isGathered: Bool {
        switch target {
        case .run, .batch: true
        case .webhook, .flow, .listener: false
        }
    }

    /// What claims are paged by, the first part of their lane: the flow of a run, the rule of a batch.
    package var claimGroup: String { Self.claimGroup(ofLane: lane) }

    package static func claimGroup(ofLane lane: String) -> String { String(lane.prefix { $0 != "/" }) }
}
