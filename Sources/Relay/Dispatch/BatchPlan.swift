import Events

/// Decides when what was gathered under one key becomes one delivery. No clock, no store: times are uptime
/// milliseconds.
///
/// At most one batch is in flight; while it is, the next one gathers, and is closed when the first has ended. How many
/// claims may wait is bounded by who adds them (`ClaimQueue`).
package struct BatchPlan: Sendable {
    package enum Action: Sendable, Equatable {
        /// Nil: until something is added, or until the batch in flight has ended.
        case wait(until: Int64?)
        /// Render one delivery of these claims, in this order. It counts as in flight until `ended()`.
        case close([String])
    }

    private struct Claim {
        var id: String
        var arrived: Int64
    }

    private var waiting: [Claim] = []
    /// So many of the first ones belong to a Salesforce transaction that is complete.
    private var sealed = 0
    /// Of the claims that are not sealed.
    package private(set) var transaction: String?
    private var quiet: Int64 = .max
    private var longest: Int64 = .max
    private var limit = Int.max
    package private(set) var isInFlight = false

    package init() {}

    /// Claims of the batch that is open.
    package var count: Int { waiting.count }
    package var isIdle: Bool { waiting.isEmpty && !isInFlight }

    /// An event joins. The newest claim says how long to wait: it comes from the newest rules.
    package mutating func add(_ id: String, _ claim: BatchClaim, at now: Int64) {
        if claim.transactionKey != transaction { sealAll() }
        transaction = claim.transactionKey
        quiet = claim.quietMilliseconds
        longest = claim.maximumMilliseconds
        limit = claim.limit
        waiting.append(Claim(id: id, arrived: now))
    }

    /// The stream shows another transaction by now, whether or not a rule took it, or is idle.
    package mutating func transactionPassed() { sealAll() }

    private mutating func sealAll() {
        if transaction != nil { sealed = waiting.count }
        transaction = nil
    }

    package mutating func next(at now: Int64) -> Action {
        guard !isInFlight, let due else { return .wait(until: nil) }
        guard now >= due else { return .wait(until: due) }
        // What began after a complete transaction is another batch.
        let count = min(limit, sealed > 0 ? sealed : waiting.count)
        let closed = waiting.prefix(count).map(\.id)
        waiting.removeFirst(count)
        sealed = max(0, sealed - count)
        isInFlight = true
        return .close(closed)
    }

    /// The batch in flight was delivered, or never will be.
    package mutating func ended() {
        precondition(isInFlight, "no batch is in flight")
        isInFlight = false
    }

    /// When the open batch is to be closed; nil if there is none.
    private var due: Int64? {
        guard let first = waiting.first, let last = waiting.last else { return nil }
        if sealed > 0 || waiting.count >= limit { return first.arrived }
        return min(last.arrived + quiet, first.arrived + longest)
    }
}
