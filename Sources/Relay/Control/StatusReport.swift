import Store

/// How a relay is, at one moment: from the daemon with live numbers, or from what the last one left in its store. Times
/// are epoch milliseconds. What is added is optional or `@Later`, so that an older relay can be asked as well.
package struct StatusReport: Sendable, Codable {
    package var at: Int64
    /// The process that writes to the store, in words; nil if none does.
    package var relay: String?
    /// From the running relay itself, so with everything that only it knows.
    package var isLive: Bool
    package var version: String?
    package var startedAt: Int64?
    /// The relay is stopping, and has ended by then. Nothing new is taken or tried; attempts under way come to their end.
    package var stopsBy: Int64?
    package var rules: RulesStatus?
    package var topics: [Topic]
    package var destinations: [Destination]
    /// Counters since the start, by ID; empty without a daemon. Of what the streams brought: deliveries of replays and
    /// backfills are apart, since nothing was received for them.
    package var ruleCounts: [Rule]
    package var quarantined: Int
    /// Newest first.
    package var statements: [Statement]
    /// Snapshots and re-reads that are not at their end, or failed within a day, newest first.
    @Later package var backfills: [Backfill] = []
    /// Replays that are not at their end, or failed within a day, newest first.
    @Later package var replays: [Replay] = []
    /// Events that replays read, since the start.
    @Later package var replayedEvents = 0
    /// Records of gap events that wait to be read, with the events behind them.
    @Later package var reading: [Reading] = []
    /// Why nothing can be committed at the moment.
    package var storeFailure: String?
    /// When it is tried again.
    package var storeNextTry: Int64?
    /// Streams wait for room in the outbox.
    package var isBackedUp: Bool
    /// By org, where it is known: the used share of the daily event delivery allocation.
    package var deliveryUse: [String: Double]
    /// By org, where it is known: whether Salesforce refused the last sign-in.
    @Later package var signInRefused: [String: Bool] = [:]

    package struct Topic: Sendable, Codable {
        package var org: String
        package var topic: String
        package var state: String
        package var detail: String
        package var since: Int64
        /// Since the start: times that the stream brought events again after a break.
        package var reconnects: Int
        /// Since the start: times that the stream broke, or could not be opened.
        @Later package var failures = 0
        /// When a stream that is down is tried again; only the running relay knows.
        package var nextTry: Int64?
        package var lastReceivedAt: Int64?
        /// How old the last event was when it came; while the stream is down, how long ago nothing was missing. Nil while
        /// it is not known.
        package var lagMilliseconds: Int64?
        /// Until Salesforce removes the first event that is not here yet.
        package var headroomSeconds: Int64?
        package var events: Int
        package var quarantined: Int
        package var gaps: [String: Int]
        /// Times, since the start, that events may have been missed.
        @Later package var possibleGaps = 0
        /// Times, since the start, that an object came with other fields than before.
        @Later package var schemaChanges = 0
        package var cursor: Position?
    }

    package struct Reading: Sendable, Codable {
        package var org: String
        package var topic: String
        package var entity: String
        package var records: Int
        package var events: Int
        package var since: Int64
    }

    package struct Position: Sendable, Codable {
        package var orgID: String
        package var instanceURL: String
        /// Base64.
        package var replayID: String
        package var commitTime: Int64?
        package var updatedAt: Int64
    }

    package struct Destination: Sendable, Codable {
        package var name: String
        package var pending: Int
        package var oldestCommitTime: Int64?
        package var deadLetters: Int
        /// `ok`; `retrying` while deliveries that failed are tried again; `paused` while lanes stand until somebody
        /// mends something; `held` or `probing` as a whole; `missing` when no rule file names it any more.
        package var state: String
        package var detail: String
        package var since: Int64?
        package var nextTry: Int64?
        package var live: Live?
        /// Of integrator.io: how the runs of its flows stand.
        @Later package var runs: [Run] = []
        /// Of integrator.io: its listeners, as far as they are checked.
        @Later package var listeners: [Listener] = []
        /// Of FlowMate: whether it keeps request IDs (`idempotent`, `notIdempotent`, `noReceipt`, `untested`).
        package var echo: String?
        /// Of FlowMate: days on which less was executed than accepted.
        @Later package var losses: [String] = []

        /// What only the running relay knows; counters are since its start.
        package struct Live: Sendable, Codable {
            /// `closed`, `open` or `halfOpen`.
            package var breaker: String
            package var inFlight: Int
            /// Attempts at the same time, at most, and whether that adapts itself.
            package var concurrency: Int
            package var isAdaptive: Bool
            package var blockedLanes: Int
            /// Lanes that stand until somebody mends a rule or a receiver.
            package var pausedLanes: Int
            /// Lanes whose next delivery failed and is tried again.
            @Later package var retryingLanes = 0
            /// Requests per second, at most; nil without a limit.
            package var rateLimit: Double?
            /// The receiver asked for a pause.
            package var pausedUntil: Int64?
            /// Deliveries per second.
            package var rate: Double
            package var delivered: Int
            package var failedAttempts: Int
            package var died: Int
            package var dropped: Int
            /// Attempts by outcome.
            package var attempts: [String: Int]
        }
    }

    package struct Rule: Sendable, Codable {
        package var id: String
        /// Events by outcome (`matched`, `needs_missing` …).
        package var outcomes: [String: Int]
        /// Deliveries whose request could not be built.
        package var failures: Int
        package var delivered: Int
        package var failedAttempts: Int
        /// Deliveries of replays and backfills.
        @Later package var replayed = 0
        /// In the store now.
        package var deadLetters: Int
        package var ageMilliseconds: Int64
    }

    package struct Statement: Sendable, Codable {
        package var at: Int64
        package var org: String
        package var topic: String
        package var kind: String
        package var text: String
    }
}
