import Events
import Logging
import Store
import Synchronization
import Testing

@testable import Relay

#if canImport(Glibc)
    import Glibc
#endif

/// A clock that stands still until a test moves it.
final class ManualClock: Sendable {
    private struct Sleeper {
        var due: Int64
        var continuation: CheckedContinuation<Void, any Error>
    }
    private struct State {
        var uptime: Int64 = 0
        var skew: Int64 = 1_760_000_000_000
        var next = 0
        var sleepers: [Int: Sleeper] = [:]
        /// Let go, but not running yet: on a busy machine that takes a while.
        var waking: Set<Int> = []
    }
    /// Rounds without anything happening before a long sleeper is let go.
    private static let longLook = 25
    /// What does not happen in so many steps has so long to happen.
    private static let patience: Duration = .seconds(60)
    private let state = Mutex(State())

    var uptime: Int64 { state.withLock { $0.uptime } }
    var wall: Int64 { state.withLock { $0.uptime + $0.skew } }

    var source: TimeSource {
        TimeSource(
            wall: { [self] in wall }, monotonic: { [self] in .milliseconds(uptime) },
            sleepUntil: { [self] in try await sleep(untilUptime: $0.milliseconds) })
    }
    /// When the earliest sleeper wants to wake.
    var nextDue: Int64? { state.withLock { $0.sleepers.values.map(\.due).min() } }

    func jumpWall(by milliseconds: Int64) { state.withLock { $0.skew += milliseconds } }

    func advance(by milliseconds: Int64) { advance(to: uptime + milliseconds) }

    func advance(to uptime: Int64) {
        let due = state.withLock { state in
            state.uptime = max(state.uptime, uptime)
            let due = state.sleepers.filter { $0.value.due <= state.uptime }
            for id in due.keys { state.sleepers[id] = nil }
            state.waking.formUnion(due.keys)
            return due.values.map(\.continuation)
        }
        for continuation in due { continuation.resume() }
    }

    func sleep(untilUptime due: Int64) async throws {
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        defer { state.withLock { _ = $0.waking.remove(id) } }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.uptime >= due || Task.isCancelled { return true }
                    state.sleepers[id] = Sleeper(due: due, continuation: continuation)
                    return false
                }
                if isOver { continuation.resume(with: Result { try Task.checkCancellation() }) }
            }
        } onCancel: {
            let sleeper = state.withLock { $0.sleepers.removeValue(forKey: id) }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Moves from one sleeper to the next until `condition` holds.
    ///
    /// - Parameter busy: while it holds, time stands still.
    func run(
        _ what: String, maximumSteps: Int = 500_000, busy: () async -> Bool, until condition: () async -> Bool
    ) async throws {
        var idle = 0
        var steps = 0
        let began = ContinuousClock.now
        while steps < maximumSteps || ContinuousClock.now - began < Self.patience {
            if await condition() { return }
            // Whoever is waited for may only be slow: the disk, or a busy machine.
            if steps >= maximumSteps { try await Task.sleep(for: .milliseconds(1)) }
            steps += 1
            for _ in 0..<10 { await Task.yield() }
            // A sleeper is let go only once nothing else happened for a while, as far as one can see from here.
            let isWaking = state.withLock { !$0.waking.isEmpty }
            idle = await busy() || isWaking ? 0 : idle + 1
            guard idle > 3, let due = nextDue else { continue }
            // The farther it is, the more would go wrong if somebody else is only slow: a busy machine gets its chance.
            if due - uptime > 500, idle < Self.longLook {
                try await Task.sleep(for: .microseconds(200))
                continue
            }
            idle = 0
            advance(to: due)
        }
        Issue.record("did not happen: \(what)")
        throw CancellationError()
    }
}

/// A sink made of a closure. Counts what it was asked.
final class FakeSink: Sink {
    struct Attempt: Equatable {
        var id: String
        var lane: String
        var number: Int
    }

    private let state = Mutex<(attempts: [Attempt], delivered: [String], running: Int, most: Int)>(([], [], 0, 0))
    private struct Gate {
        /// Nil while it is open.
        var holds: (@Sendable (Delivery) -> Bool)?
        var waiting: [CheckedContinuation<Void, Never>] = []
    }
    private let gate = Mutex(Gate())
    private let answer: @Sendable (Delivery, Int) -> AttemptOutcome

    init(_ answer: @escaping @Sendable (Delivery, Int) -> AttemptOutcome = { _, _ in .delivered(.ok) }) {
        self.answer = answer
    }

    var attempts: [Attempt] { state.withLock { $0.attempts } }
    var delivered: [String] { state.withLock { $0.delivered } }
    var mostAtOnce: Int { state.withLock { $0.most } }
    var running: Int { state.withLock { $0.running } }

    /// Attempts hang until the gate is opened.
    func close(_ holds: @escaping @Sendable (Delivery) -> Bool = { _ in true }) { gate.withLock { $0.holds = holds } }

    func open() {
        let waiting = gate.withLock { gate in
            defer { gate = Gate() }
            return gate.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func attempt(_ delivery: Delivery, number: Int) async -> AttemptOutcome {
        state.withLock {
            $0.attempts.append(Attempt(id: delivery.id, lane: delivery.lane, number: number))
            $0.running += 1
            $0.most = max($0.most, $0.running)
        }
        await withCheckedContinuation { continuation in
            let isOpen = gate.withLock { gate in
                guard gate.holds?(delivery) == true else { return true }
                gate.waiting.append(continuation)
                return false
            }
            if isOpen { continuation.resume() }
        }
        let outcome = answer(delivery, number)
        state.withLock {
            $0.running -= 1
            if case .delivered = outcome { $0.delivered.append(delivery.id) }
        }
        return outcome
    }
}

extension AttemptNote {
    static let ok = AttemptNote(status: 200, reason: "ok")
    static let busy = AttemptNote(status: 500, reason: "internal error", excerpt: "try later")
    static let down = AttemptNote(status: nil, reason: "connection refused")
}

/// A folder that goes away with the test.
final class Scratch: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/sluice-test-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    }

    var store: String { path + "/sluice.db" }

    deinit {
        for name in ["sluice.db", "sluice.db-wal", "sluice.db-shm", "sluice.db.lock"] { unlink(path + "/" + name) }
        rmdir(path)
    }
}

enum Make {
    static func delivery(
        _ number: Int, lane: String = "a", destination: String = "hook", target: DeliveryTarget? = nil,
        retry: RetryLimits = RetryLimits()
    ) -> Delivery {
        Delivery(
            id: "sl_\(number)", rule: "orders", destination: destination, lane: lane,
            target: target ?? .webhook(method: "POST", path: "", headers: []), body: [UInt8]("{\"n\":\(number)}".utf8),
            origin: DeliveryOrigin(
                orgID: org, topic: "/data/ChangeEvents", replayID: replayID(number),
                entity: "Account", change: "update", recordID: lane, time: 1_760_000_000_000 + Int64(number)),
            retry: retry)
    }

    static func run(_ number: Int, flow: String = "f1") -> Delivery {
        delivery(
            number, lane: flow,
            target: .run(
                FlowRunRequest(
                    flow: flow, exports: [], from: 0, until: 1, quietMilliseconds: 1, maximumMilliseconds: 2,
                    limit: 3)))
    }

    static func replayID(_ number: Int) -> ReplayID {
        ReplayID((0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) })!
    }

    static func number(_ id: ReplayID) -> Int { id.bytes.reduce(0) { $0 << 8 | Int($1) } }

    static let org = "00D000000000001EAA"
    static let key = Cursor.Key(org: "prod", topic: "/data/ChangeEvents")

    static func cursor(_ number: Int) -> Cursor {
        Cursor(
            key: key, orgID: org, instanceURL: "https://x.my.salesforce.com",
            replayID: replayID(number), commitTime: 1_760_000_000_000 + Int64(number), updatedAt: 1)
    }

    /// - Parameter raw: bytes for the journal; nil for none.
    static func batch(_ deliveries: [Delivery], cursor number: Int, raw: [UInt8]? = nil) -> RoutedBatch {
        let journal = raw.map {
            JournalEntry(
                org: key.org, topic: key.topic, receivedAt: 1_760_000_000_000, firstReplayID: replayID(0),
                lastReplayID: replayID(number), eventCount: deliveries.count, raw: $0)
        }
        return RoutedBatch(cursor: cursor(number), journal: journal, deliveries: deliveries)
    }
}

extension Outbox {
    var isClean: Bool { ledger.isClean }
    var unwritten: Int { ledger.unwritten }
    var attempting: Int { workers.count }
    /// The store is being read or written.
    var isBusy: Bool { loop != nil && loopSleep == nil }
    /// That, or attempts are under way.
    var isWorking: Bool { isBusy || !workers.isEmpty }

    func windowCount(_ destination: String) -> Int { routes[destination]!.lanes.window.count }
}

/// A started outbox over a store of its own.
struct Bench {
    let scratch: Scratch
    let clock: ManualClock
    let store: Store
    let outbox: Outbox
    let sink: FakeSink

    init(
        scratch: Scratch = Scratch(), store given: Store? = nil, clock: ManualClock = ManualClock(),
        sink: FakeSink = FakeSink(), concurrency: Concurrency = 4, targetConcurrency: Int? = nil,
        collector: (any RunCollector)? = nil, names: [String] = ["hook"], limits: DispatchLimits = DispatchLimits(), policy: RetryPolicy = RetryPolicy(),
        storeLimits: StoreLimits = StoreLimits(), seed: UInt64 = 1, logger: Logger = .quiet,
        renderer: (any DeliveryRenderer)? = nil, budgets: [RequestBudget] = [], lease: Duration = .seconds(600),
        gatherer: (any RunCollector)? = nil
    ) async throws {
        self.scratch = scratch
        self.clock = clock
        self.sink = sink
        let store = try given ?? Store(path: scratch.store, limits: storeLimits, wall: clock.wall)
        self.store = store
        outbox = Outbox(
            store: store, clock: clock.source, limits: limits, policy: policy, random: Jitter(seed: seed),
            logger: logger, renderer: renderer, marks: StreamMarks())
        if let gatherer { await outbox.gather(by: gatherer) }
        try await outbox.start(
            names.map {
                DispatchDestination(
                    name: $0, sink: sink, concurrency: concurrency, targetConcurrency: targetConcurrency,
                    collector: collector, budgets: budgets, lease: lease)
            })
    }

    /// Lets time pass until `condition` holds, never while the store is at work.
    func run(_ what: String, maximumSteps: Int = 500_000, until condition: () async -> Bool) async throws {
        try await clock.run(what, maximumSteps: maximumSteps, busy: { await outbox.isBusy }, until: condition)
    }

    /// As kill -9 would.
    func crash() async throws {
        await outbox.abandon()
        try store.close()
    }

    /// Deliveries in the file, in order.
    func rows(_ destination: String = "hook") async throws -> [String] {
        try await store.pending([OutboxRead(destination: destination, isGathered: false, after: 0, limit: 100_000)])[0]
            .map(\.delivery.id)
    }

    func storedCursor() async throws -> Int? { try await store.cursor(Make.key).map { Make.number($0.replayID) } }
}

extension Logger {
    static var quiet: Logger { Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }) }
}

/// Keeps the lines of a log.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])
    private let contexts = Mutex<[Logger.Metadata]>([])

    var all: [String] { lines.withLock { $0 } }
    /// What stands beside each line.
    var metadata: [Logger.Metadata] { contexts.withLock { $0 } }
    var logger: Logger { Logger(label: "test", factory: { _ in Handler(lines: self) }) }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.lines.withLock { $0.append("\(event.level): \(event.message)") }
            lines.contexts.withLock { $0.append(event.metadata ?? [:]) }
        }
    }
}
