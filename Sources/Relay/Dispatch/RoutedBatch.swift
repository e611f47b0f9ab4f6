import Events
import Store

/// What became of one FetchResponse: everything that must be safe before its cursor may be stored.
package struct RoutedBatch: Sendable {
    /// The position after this batch, with the commit time of its last event.
    package var cursor: Cursor
    /// Nil for a keepalive.
    package var journal: JournalEntry?
    /// In the order of the stream.
    package var deliveries: [Delivery]
    /// Deliveries whose body could not be built.
    package var deadLetters: [DeadLetter]
    package var quarantined: [QuarantinedEvent]
    /// Events that wait for a read of their record, and those whose deliveries are here now.
    package var held: [HeldEvent] = []
    package var released: [HeldEvent.Key] = []
    /// Events of deliveries and dead letters that have no request.
    package var kept: [KeptEvent] = []
    /// The transaction key of the last event; nil for a keepalive: no transaction is open.
    package var transaction: String?
    /// It tells where the stream is: not if all that came had come before, or cannot be read.
    package var tellsPlace = true

    package init(
        cursor: Cursor, journal: JournalEntry? = nil, deliveries: [Delivery] = [], deadLetters: [DeadLetter] = [],
        quarantined: [QuarantinedEvent] = []
    ) {
        self.cursor = cursor
        self.journal = journal
        self.deliveries = deliveries
        self.deadLetters = deadLetters
        self.quarantined = quarantined
    }

    /// Moves the cursor and nothing else.
    var isOnlyCursor: Bool {
        journal == nil && deliveries.isEmpty && deadLetters.isEmpty && quarantined.isEmpty && held.isEmpty
            && released.isEmpty
    }
}

/// A destination as the dispatcher needs it.
package struct DispatchDestination: Sendable {
    package var name: String
    package var sink: any Sink
    /// Attempts at the same time.
    package var concurrency: Concurrency
    /// The same of deliveries with one `HoldKey`, such as one flow's; nil if only all together are bounded.
    package var targetConcurrency: Int?
    /// For deliveries whose target is a run.
    package var collector: (any RunCollector)?
    /// An attempt starts when all of them allow a request.
    package var budgets: [RequestBudget]
    /// An attempt that takes longer hangs: its sink has overrun its own deadline. It is given up, and made again.
    package var lease: Duration

    package init(
        name: String, sink: any Sink, concurrency: Concurrency, targetConcurrency: Int? = nil,
        collector: (any RunCollector)? = nil, budgets: [RequestBudget] = [], lease: Duration = .seconds(600)
    ) {
        precondition(concurrency.isValid, "concurrency must be 1 to 256")
        precondition(targetConcurrency ?? 1 > 0, "of nothing at a time nothing is sent")
        self.name = name
        self.sink = sink
        self.concurrency = concurrency
        self.targetConcurrency = targetConcurrency
        self.collector = collector
        self.budgets = budgets
        self.lease = lease
    }
}

/// Sees every attempt, and every claim that a run covered, for metrics and for people who watch. Called in the actor's
/// time: it must return at once.
package protocol AttemptObserver: Sendable {
    /// - Parameters:
    ///   - milliseconds: how long the attempt took.
    ///   - now: when it ended.
    func attempted(_ delivery: Delivery, number: Int, outcome: AttemptOutcome, milliseconds: Int64, at now: Moment)
}
