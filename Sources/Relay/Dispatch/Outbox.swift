import Curl
import Events
import Logging
import Rules
import Store

/// Takes routed batches, has their deliveries tried, and keeps what is left of them safe.
///
/// Deliveries are tried as soon as they are accepted. A commit follows within `DispatchLimits.commitMilliseconds`: one
/// transaction with the journal, the cursors, and the deliveries that are *still* unacknowledged; so the cursor never
/// passes an event whose deliveries are neither acknowledged nor stored. Acknowledgements of stored deliveries are
/// committed in groups as well: after a crash, at most those of one group and the attempts under way are repeated.
///
/// What to try next is decided by `LaneQueue`, what to write by `CommitLedger`; this actor performs it.
package actor Outbox {
    let store: Store
    let clock: TimeSource
    let limits: DispatchLimits
    let policy: RetryPolicy
    let logger: Logger
    let observer: (any AttemptObserver)?
    let renderer: (any DeliveryRenderer)?
    /// For log lines.
    let labels: RuleLabels
    nonisolated let executors: ThreadExecutors
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executors.actors.asUnownedSerialExecutor() }
    /// How far the streams are, for batches that end with a transaction.
    nonisolated let marks: StreamMarks?
    /// For claims on batches, of all destinations.
    private(set) var gatherer: (any RunCollector)?
    /// Who waits for a delivery to leave the outbox; one for each batch in flight.
    var whenResolved: [String: @Sendable () async -> Void] = [:]
    /// Whether `accept` would return at once, for those who would ask for more events. Readable without waiting.
    package nonisolated let room = Room()

    let ages: SteadyAge
    var random: Jitter
    let ledger = CommitLedger()
    var routes: [String: Route] = [:]
    var stored = 0
    var storedBytes = 0
    private var nextSeq: Int64 = 1
    private var routeLimits: DispatchLimits
    private var isStarted = false
    /// Nothing new is accepted or tried.
    var isStopping = false
    /// Tasks and timers end without writing.
    var isAbandoned = false

    // Outbox+Attempts
    var workers: [Int: Worker] = [:]
    var nextWorker = 0
    var wakeTask: Task<Void, Never>?
    var wakeAt: Int64?
    var rescueTask: Task<Void, Never>?
    var rescueAt: Int64?
    var idleWaiters: [CheckedContinuation<Void, Never>] = []

    // Outbox+Commit
    var loop: Task<Void, Never>?
    var loopSleep: (until: Int64, task: Task<Void, Never>)?
    var commitDue: Int64?
    var commitIsUrgent = false
    var takes = 0
    var failure: CommitFailure?
    /// When to look again why the store's log grows; nil while it does not.
    var logCheckDue: Int64?
    var flushWaiters: [(take: Int, endsOnFailure: Bool, continuation: CheckedContinuation<Void, Never>)] = []

    // Waiting for room
    private var roomWaiters: [Int: CheckedContinuation<Void, Never>] = [:]
    private var nextRoomWaiter = 0

    package init(
        store: Store, clock: TimeSource = .system, limits: DispatchLimits = DispatchLimits(),
        policy: RetryPolicy = RetryPolicy(), random: Jitter = Jitter(), logger: Logger,
        observer: (any AttemptObserver)? = nil, renderer: (any DeliveryRenderer)? = nil,
        labels: @escaping @Sendable (_ rule: String) -> [RuleLabel] = { _ in [] }, marks: StreamMarks? = nil,
        executors: ThreadExecutors = IOThread.executors
    ) {
        self.store = store
        self.clock = clock
        ages = SteadyAge(since: clock.now)
        self.limits = limits
        routeLimits = limits
        self.policy = policy
        self.random = random
        self.logger = logger
        self.observer = observer
        self.renderer = renderer
        self.labels = labels
        self.executors = executors
        self.marks = marks
    }

    /// Called once, before `start`.
    package func gather(by gatherer: any RunCollector) { self.gatherer = gatherer }

    /// Takes up what the store holds; older deliveries go before new ones. Called once, before `accept`.
    package func start(_ destinations: [DispatchDestination]) async throws(StoreError) {
        precondition(!isStarted, "an outbox starts once")
        routeLimits = limits.shared(among: destinations.count)
        nextSeq = try await store.lastSeq() + 1
        let counts = try await store.pendingCounts()
        let groups = try await store.claimGroups()
        for name in Set(counts.map(\.destination)) {
            let lanes = counts.first { $0.destination == name && !$0.isGathered }?.count ?? 0
            let claims = counts.first { $0.destination == name && $0.isGathered }?.count ?? 0
            routes[name] = Route(
                name: name, limits: routeLimits, storedLanes: lanes, storedClaims: claims,
                claimGroups: groups[name] ?? [])
            stored += lanes + claims
        }
        storedBytes = stored * limits.guessedBytes
        for state in try await store.destinationStates() { ledger.set(nil, of: state.destination) }
        isStarted = true
        setDestinations(destinations)
    }

    /// Replaces the destinations. Deliveries of one that is gone are kept and shown; they go on when it comes back.
    package func setDestinations(_ destinations: [DispatchDestination]) {
        routeLimits = limits.shared(among: destinations.count)
        for destination in destinations where routes[destination.name] == nil {
            routes[destination.name] = Route(name: destination.name, limits: routeLimits)
        }
        let byName = Dictionary(uniqueKeysWithValues: destinations.map { ($0.name, $0) })
        for route in routes.values {
            route.open(byName[route.name], now: clock.now)
            // Somebody may have mended what they wait for.
            route.lanes.hurry(clock.now, &random) { $0.pauseReason != nil }
            route.lanes.probeNow(clock.now)
            if route.destination == nil {
                if route.pending > 0 { reportMissing(route) }
            } else if route.isToldMissing {
                route.isToldMissing = false
                ledger.set(nil, of: route.name)
            }
            pump(route)
        }
        stir()
    }

    /// Gives the deliveries to the dispatcher at once, and returns when there is room for more.
    ///
    /// When it returns or throws, the batch is taken: its cursor is stored once its deliveries are acknowledged or
    /// stored. Batches of one topic are given one after another.
    /// - Throws: `CancellationError` when the task is cancelled while it waits; `OutboxStopped`, and only then the
    ///   batch is not taken.
    package func accept(_ batch: RoutedBatch) async throws {
        precondition(isStarted, "accept before start")
        guard !isStopping else { throw OutboxStopped() }
        let touched = take(batch)
        guard !batch.isOnlyCursor else { return }
        // At most until the next commit.
        for route in touched where mayWait(for: route) { await wait(for: route) }
        while !hasRoom {
            try Task.checkCancellation()
            guard !isStopping else { return }
            await waitForRoom()
        }
    }

    /// - Returns: the destinations that got something.
    private func take(_ batch: RoutedBatch) -> [Route] {
        ledger.accept(batch)
        for letter in batch.deadLetters { route(letter.delivery.destination).died(letter.delivery, letter.detail) }
        let touched = offer(batch.deliveries)
        // What is replayed says nothing about where the stream is.
        if batch.cursor.key.scope == .live, batch.tellsPlace {
            let stream = StreamMarks.Stream(orgID: batch.cursor.orgID, topic: batch.cursor.key.topic)
            marks?.passed(stream, transaction: batch.transaction)
        }
        return touched
    }

    /// New deliveries, in their order.
    ///
    /// - Returns: their destinations, some perhaps more than once.
    @discardableResult
    func offer(_ deliveries: [Delivery]) -> [Route] {
        let now = clock.now
        var touched: [Route] = []
        for delivery in deliveries {
            let entry = OutboxEntry(seq: nextSeq, delivery: delivery)
            nextSeq += 1
            ledger.accept(entry)
            let route = route(delivery.destination)
            if touched.last !== route { touched.append(route) }
            route.offer(entry, now: now)
        }
        for route in touched { pump(route, now) }
        stir(uptime: now.uptime)
        room.set(hasRoom)
        return touched
    }

    private func route(_ name: String) -> Route {
        if let route = routes[name] { return route }
        let route = Route(name: name, limits: routeLimits)
        routes[name] = route
        reportMissing(route)
        return route
    }

    private func reportMissing(_ route: Route) {
        guard !route.isToldMissing else { return }
        route.isToldMissing = true
        logger.warning("no rule file names the destination \(route.name) any more; its deliveries are kept")
        ledger.set(
            DestinationState(
                destination: route.name, state: "missing", detail: "no rule file names it any more",
                since: clock.wall(), nextTry: nil), of: route.name)
    }

    // MARK: Room

    // Whoever waits looks once more in the step in which it is noted down: a task that prefers an executor may be queued
    // anew between two steps, and what it waits for happens meanwhile.

    private func mayWait(for route: Route) -> Bool { route.isWorthWaiting && failure == nil && !isStopping }

    private func wait(for route: Route) async {
        await withCheckedContinuation { continuation in
            guard mayWait(for: route) else { return continuation.resume() }
            route.intakeWaiters.append(continuation)
        }
    }

    private var hasRoom: Bool {
        failure == nil && ledger.unwritten < limits.unwritten && ledger.unwrittenBytes < limits.unwrittenBytes
            && stored < limits.stored && storedBytes < limits.storedBytes
    }

    private func waitForRoom() async {
        let id = nextRoomWaiter
        nextRoomWaiter += 1
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard !Task.isCancelled, !isStopping, !hasRoom else { return continuation.resume() }
                roomWaiters[id] = continuation
            }
        } onCancel: {
            Task { await self.stopWaiting(id) }
        }
    }

    private func stopWaiting(_ id: Int) { roomWaiters.removeValue(forKey: id)?.resume() }

    /// Lets `accept` return where it can.
    func reportRoom() {
        room.set(hasRoom)
        guard !roomWaiters.isEmpty, hasRoom || isStopping else { return }
        for waiter in roomWaiters.values { waiter.resume() }
        roomWaiters.removeAll()
    }

    package func status() -> DispatchStatus {
        let now = clock.now
        return DispatchStatus(
            destinations: routes.values.map { $0.status(now: now) }.sorted { $0.name < $1.name },
            unwritten: ledger.unwritten, unwrittenBytes: ledger.unwrittenBytes, stored: stored,
            storedBytes: storedBytes,
            storeFailure: failure?.error.description,
            storeNextTry: failure == nil ? nil : commitDue.map { now.wall + max(0, $0 - now.uptime) },
            isBackedUp: !roomWaiters.isEmpty)
    }
}

/// The relay is stopping; the batch was not taken and comes again from its cursor.
package struct OutboxStopped: Error, CustomStringConvertible {
    package var description: String { "the outbox is stopping and takes nothing new" }
}
