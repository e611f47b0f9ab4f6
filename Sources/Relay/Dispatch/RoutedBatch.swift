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
        journal == nil && deliveries.isEmpty && deadLetters.isEmpty && quarantined.isEmpty
    }
}

/// A destination as the dispatcher needs it.
package struct DispatchDestination: Sendable {
    package var name: String
    package var sink: any Sink
    /// Attempts at the same time; 1…256.
    package var concurrency: Int
    /// For deliveries whose target is a run.
    package var collector: (any RunCollector)?

    package init(name: String, sink: any Sink, concurrency: Int, collector: (any RunCollector)? = nil) {
        precondition((1...256).contains(concurrency), "concurrency must be 1 to 256")
        self.name = name
        self.sink = sink
        self.concurrency = concurrency
        self.collector = collector
    }
}

/// Sees every attempt, and every claim that a run covered, for metrics and for people who watch. Called in the actor's time: it must return at once.
package protocol AttemptObserver: Sendable {
    /// - Parameter milliseconds: how long the attempt took.
    func attempted(_ delivery: Delivery, number: Int, outcome: AttemptOutcome, milliseconds: Int64)
}
