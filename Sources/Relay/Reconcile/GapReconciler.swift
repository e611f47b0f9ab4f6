import ChangeEvents
import Events
import Logging
import Rules
import Salesforce
import SalesforceREST
import Store
import Synchronization

/// What reading gap events back needs of the relay and of the org.
package struct GapParts: Sendable {
    package var store: Store
    package var outbox: Outbox
    package var rules: CurrentRules
    package var gate: SnapshotGate
    package var org: Org
    package var client: RESTClient
    package var describes: DescribeCache
    package var facts: FactFinder
    /// That are subscribed to.
    package var topics: [Cursor.Key]
    package var observer: (any RelayObserver)?
    package var time: TimeSource
    package var log: Logger
}

/// Reads the records of one org's gap events, and holds the events that come behind them until then: the lanes of those
/// records wait, and nothing else does.
///
/// What is held is stored in the commit that moves the cursor past it, and leaves the store in the commit that holds its
/// deliveries, so that a kill at any moment changes nothing but the time. The first event of a held record is a gap event;
/// what was read stands in its place. Later events that are in it already are dropped, for the rules that have it.
package actor GapReconciler {
    /// Held events and their payloads. Beyond it the stream that brings more waits.
    static let maximumEvents = 20_000
    static let maximumBytes = 16 << 20
    /// Between looks whether there is room.
    static let look: Duration = .milliseconds(250)
    /// Between looks whether marks can go.
    static let settlingCheck: Int64 = 60_000

    let parts: GapParts
    private let marks: MarkKeeper
    var queue = GapQueue()
    /// When records of an object were last handed over, while older events of them may still come.
    var handedOver: [SnapshotSubject: Int64] = [:]
    var problem = ""
    private var settledAt: Int64 = 0
    private var sleeper: Task<Void, Never>?
    /// Readable without waiting: nearly always nothing is held.
    private nonisolated let isQuiet = Mutex(true)

    package init(_ parts: GapParts) {
        self.parts = parts
        marks = MarkKeeper(
            store: parts.store, outbox: parts.outbox, gate: parts.gate, topics: parts.topics, time: parts.time)
    }

    // MARK: Events

    /// What becomes of a batch's events.
    struct Split: Sendable {
        /// To be routed now; those that are not named wait.
        var passing: [Int]
        /// Of the gap events that wait behind nothing, in their order: what goes to rules that take gaps as they are.
        /// Those behind others are told of in their turn.
        var notices: [(place: Int, result: RoutingResult)] = []
        var held: [HeldEvent] = []
        fileprivate var keys: Set<GapQueue.Key> = []
    }

    /// Followed by `arrived`, once the outbox has the batch.
    ///
    /// - Parameter raw: the event as it came, by its place.
    /// - Returns: nil if all of them go on.
    /// - Throws: `CancellationError` only.
    nonisolated func split(_ events: [Event], by rules: RuleSet, raw: (Int) -> HeldEvent) async throws -> Split? {
        let isQuiet = isQuiet.withLock { $0 }
        if isQuiet, !events.contains(where: { $0.isGapOfRecord }) { return nil }
        return try await split(events.enumerated().map { ($1, raw($0)) }, by: rules)
    }

    private func split(_ events: [(Event, HeldEvent)], by rules: RuleSet) async throws -> Split {
        var split = Split(passing: [])
        for (place, (event, row)) in events.enumerated() {
            let isHeld = !event.recordID.isEmpty && queue.holds(event)
            guard event.isGapOfRecord else {
                if isHeld { hold(event, row, &split) } else { split.passing.append(place) }
                continue
            }
            let first = rules.route(event, now: parts.time.wall())
            guard isHeld || first.wants.contains(.record(.all)) else {
                split.passing.append(place)
                continue
            }
            hold(event, row, &split)
            if !isHeld { split.notices.append((place, try await notice(event, first, rules))) }
        }
        return split
    }

    /// What a gap event is for rules that take gaps as they are.
    func notice(_ event: Event, _ first: RoutingResult, _ rules: RuleSet) async throws -> RoutingResult {
        let readers = rules.gapReaders(of: event.entity)
        let result = first.without(readers.contains)
        guard result.wants.contains(where: { $0 != .record(.all) }) else { return result }
        return try await parts.facts.complete(event, first, by: rules).without(readers.contains)
    }

    private func hold(_ event: Event, _ row: HeldEvent, _ split: inout Split) {
        queue.hold(GapQueue.Waiting(event: event, row: row))
        split.held.append(row)
        split.keys.insert(GapQueue.Key(event))
        parts.gate.watchGaps(SnapshotSubject(org: parts.org.alias, entity: event.entity))
        isQuiet.withLock { $0 = false }
    }

    func arrived(_ split: Split) {
        queue.arrived(split.keys)
        sleeper?.cancel()
    }

    /// Waits while too much is held. Before a batch takes its turn beside reads of records: those are what makes room.
    nonisolated func waitForRoom() async throws {
        guard !isQuiet.withLock({ $0 }) else { return }
        try await room()
    }

    private func room() async throws {
        while queue.eventCount >= Self.maximumEvents || queue.byteCount >= Self.maximumBytes {
            try await parts.time.sleep(Self.look)
        }
    }

    // MARK: Life

    /// Takes up what an earlier process left. Before any stream of the org starts.
    ///
    /// - Throws: `CancellationError` only.
    package func restore(_ schemas: SchemaCache) async throws {
        let rows = try await storing { [parts] () async throws(StoreError) in
            try await parts.store.heldEvents(org: parts.org.alias)
        }
        let marked = try await storing { [parts] () async throws(StoreError) in
            try await parts.store.markedEntities(org: parts.org.alias)
        }
        let now = parts.time.wall()
        for entity in marked {
            let subject = SnapshotSubject(org: parts.org.alias, entity: entity)
            handedOver[subject] = now
            parts.gate.watchGaps(subject)
        }
        let reader = HeldEventReader(schemas: schemas, org: parts.org, time: parts.time, log: parts.log)
        var lost: [HeldEvent] = []
        for row in rows {
            guard row.orgID == parts.org.id, let event = try await reader.event(row) else {
                lost.append(row)
                continue
            }
            queue.hold(GapQueue.Waiting(event: event, row: row), isArriving: false)
            parts.gate.watchGaps(SnapshotSubject(org: parts.org.alias, entity: event.entity))
            isQuiet.withLock { $0 = false }
        }
        if !lost.isEmpty { try await setAside(lost) }
    }

    /// Reads and hands over until the task is cancelled.
    package func run() async {
        while !Task.isCancelled {
            let now = parts.time.wall()
            queue.bound(now: now)
            do {
                if let next = queue.next, next <= now {
                    try await reconcile(queue.due(now: now))
                } else {
                    if now - settledAt >= Self.settlingCheck { try await settle(now) }
                    try await sleep(min(queue.next.map { $0 - now } ?? .max, Self.settlingCheck))
                }
            } catch {
                guard !(error is CancellationError), !(error is OutboxStopped) else { return }
                parts.log.error("reading gap events back: \(error)")
                guard (try? await parts.time.sleep(.seconds(1))) != nil else { return }
            }
        }
    }

    /// Until then, or until an event arrives.
    private func sleep(_ milliseconds: Int64) async throws {
        let time = parts.time
        let task = Task { _ = try? await time.sleep(.milliseconds(milliseconds)) }
        sleeper = task
        await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
        sleeper = nil
        try Task.checkCancellation()
    }

    func released() { if queue.isEmpty { isQuiet.withLock { $0 = true } } }

    /// Nothing waits.
    package var isIdle: Bool { queue.isEmpty }

    /// Why nothing is read at the moment; empty while it is.
    package var delay: String { problem }

    /// Forgets marks that no event can meet any more.
    private func settle(_ now: Int64) async throws {
        settledAt = now
        for (subject, endedAt) in handedOver where !queue.subjects(org: parts.org.alias).contains(subject) {
            guard await marks.isSettled(subject, handedOver: endedAt), try await !marks.keepsBulkRows(of: subject) else {
                continue
            }
            try await marks.forget(subject, handedOver: endedAt)
            guard handedOver[subject] == endedAt else { continue }
            handedOver[subject] = nil
            if !queue.subjects(org: parts.org.alias).contains(subject) { parts.gate.unwatchGaps(subject) }
        }
    }
}

extension Event {
    /// A gap event about one record.
    var isGapOfRecord: Bool {
        guard let type = header?.changeType, !recordID.isEmpty else { return false }
        return switch type {
        case .gapCreate, .gapUpdate, .gapDelete, .gapUndelete: true
        default: false
        }
    }
}
