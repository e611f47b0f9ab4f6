import Events

/// What speaks to a receiver: makes one attempt at one delivery and judges the answer.
///
/// A sink keeps no queue, does not wait between attempts and does not retry (one credential refresh inside an attempt
/// is its own affair). It must return within its own hard deadline: a lane waits for it. Attempts of different lanes
/// run beside each other, so a sink that has state is an actor. An attempt begins and ends on the outbox's executor:
/// what computes for long belongs elsewhere.
package protocol Sink: Sendable {
    /// - Parameter number: 1 for the first attempt of this delivery, counted across restarts.
    nonisolated(nonsending) func attempt(_ delivery: Delivery, number: Int) async -> AttemptOutcome
}

/// The judgement on an attempt; the dispatcher does the rest.
package enum AttemptOutcome: Sendable, Equatable {
    /// The receiver has it.
    case delivered(AttemptNote)
    /// Not now; the lane waits. `after` is what the receiver asked for (`Retry-After`): a lower bound, to which jitter
    /// is added. Nil leaves the wait to the back-off.
    case retry(AttemptNote, after: Duration?)
    /// Nothing in this scope can succeed now: all its deliveries wait, in order, and then one goes first as a probe.
    /// `for` nil leaves the length to the hold's own back-off (30 s up to 15 min). The horizon of a delivery goes on.
    case hold(AttemptNote, scope: HoldScope, for: Duration?)
    /// This delivery can never succeed: to the dead letters, and the lane goes on.
    case park(AttemptNote)
    /// It waited for its record to be read, and now its rule does not want it.
    case nothing(AttemptNote)

    package var note: AttemptNote {
        switch self {
        case .delivered(let note), .retry(let note, _), .hold(let note, _, _), .park(let note), .nothing(let note): note
        }
    }

    /// The same with more of a reason.
    func saying(_ more: String) -> AttemptOutcome {
        var note = note
        note.reason += "; " + more
        return switch self {
        case .delivered: .delivered(note)
        case .retry(_, let after): .retry(note, after: after)
        case .hold(_, let scope, let time): .hold(note, scope: scope, for: time)
        case .park: .park(note)
        case .nothing: .nothing(note)
        }
    }
}

/// What a hold stops.
package enum HoldScope: Sendable, Equatable {
    case destination
    /// All deliveries of the destination with the same `HoldKey`: one flow, or one listener.
    case target
}

/// What is kept of one attempt. Never a secret, never the request.
package struct AttemptNote: Sendable, Equatable {
    package static let maximumExcerptCharacters = 500

    /// HTTP status; nil when no answer came.
    package var status: Int?
    /// Plain words, starting in lower case: `the flow is inactive`, `cannot reach https://…: connection refused`.
    package var reason: String
    /// The start of the answer, without control characters.
    package let excerpt: String
    /// The receiver may have acted although it was not acknowledged.
    package var possibleDuplicate: Bool
    /// False when the sink itself held the delivery back: that says nothing of the receiver.
    package var receiverWasAsked = true
    /// How many answers of this status in a row are waited for; the last one parks. With `retry` only.
    package var mostInARow: Int?
    /// Another place is what it is for now: here it ends, whatever its rule does about errors. With `park` only.
    var isForAnother = false
    /// The receiver wants nothing any more, ever: an operator has to know.
    package var isAlarm = false
    /// Those headers of the answer that explain it (`retry-after: 30`); nil when none does.
    package var headers: [String]?

    package init(
        status: Int? = nil, reason: String, excerpt: String = "", possibleDuplicate: Bool = false,
        headers: [String]? = nil
    ) {
        self.status = status
        self.reason = reason
        // There are no more characters than bytes.
        let isShort = excerpt.utf8.count <= Self.maximumExcerptCharacters
        self.excerpt = isShort ? excerpt : String(excerpt.prefix(Self.maximumExcerptCharacters))
        self.possibleDuplicate = possibleDuplicate
        self.headers = headers
    }
}

/// Gathers claims (`DeliveryTarget.run`) of one destination into runs. Such deliveries go here instead of to a lane,
/// and stay in the outbox until the collector reports them through `DeliveryOutcomes`.
package protocol RunCollector: Sendable {
    /// In stream order per flow. The same claim comes again after a restart, and must not count twice: the collector's
    /// saved state may know it already. Returns soon: the dispatcher waits. The collector holds a
    /// bounded number of claims of each flow (`DispatchLimits.claims`); further ones come as it reports those.
    func add(_ delivery: Delivery) async
    /// Somebody may have mended what claims wait for.
    ///
    /// - Returns: why they waited, one sentence for each flow that was paused.
    func tryNow() async -> [String]
}

/// Where a collector reports. Implemented by the outbox. IDs that it does not know (any more) are ignored.
package protocol DeliveryOutcomes: Sendable {
    /// The claims are done; they leave the outbox.
    func delivered(_ ids: [String]) async
    /// - Parameter report: what became of the run, for the deliveries' record.
    func delivered(_ ids: [String], report: String) async
    /// The claims can never succeed: they go to the dead letters, or away where their rule says `onError: drop`.
    func dead(_ ids: [String], note: AttemptNote) async
}

extension DeliveryOutcomes {
    package func delivered(_ ids: [String], report: String) async { await delivered(ids) }
}

/// Keeps the state of a collector, one opaque JSON text for each flow. Implemented over the store.
package protocol RunJournal: Sendable {
    /// Every saved state of a destination, by flow.
    func runStates(of destination: String) async throws -> [String: [UInt8]]
    /// Returns when the state is on disk, synced: it is written *before* the request that it announces.
    func saveRunState(_ json: [UInt8], destination: String, flow: String) async throws
}
