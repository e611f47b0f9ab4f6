import Events
import Store
import Synchronization

/// An object of an org whose records are read while its events stream.
package struct SnapshotSubject: Hashable, Sendable, Comparable {
    package var org: String
    package var entity: String

    package static func < (one: SnapshotSubject, other: SnapshotSubject) -> Bool {
        (one.org, one.entity) < (other.org, other.entity)
    }
}

/// Keeps records that are read and streams apart: while a page of records is read and handed over, events of that object
/// wait; and events that are older than what was handed over of their record are dropped, for the rules that it was handed
/// over by. Other rules know nothing of it, and miss nothing.
///
/// What was handed over is marked in the store before it goes, so that this holds after a kill as well.
package actor SnapshotGate {
    /// Between tries of a store that cannot be read.
    static let storeRetry: Duration = .seconds(1)

    /// Between looks whether batches are through.
    static let look: Duration = .milliseconds(20)

    /// What is read, and the batches that are under way.
    private struct Watched {
        /// With how many had been opened by then, these included.
        var subjects: [SnapshotSubject: Int] = [:]
        /// The same of those that are watched for gap events.
        var gaps: [SnapshotSubject: Int] = [:]
        private var opened = 0
        /// Batches, by how many objects had been opened when they began.
        var passes: [Int: Int] = [:]

        /// - Returns: the number of the subject, which is opened with it if it was not.
        mutating func open(_ known: Int?) -> Int {
            if let known { return known }
            opened += 1
            return opened
        }

        mutating func begin() -> (subjects: Set<SnapshotSubject>, opened: Int) {
            passes[opened, default: 0] += 1
            guard !subjects.isEmpty || !gaps.isEmpty else { return ([], opened) }
            return (Set(subjects.keys).union(gaps.keys), opened)
        }

        /// A batch that began before the object was opened is under way.
        func hasEarlierPasses(than subject: SnapshotSubject) -> Bool {
            let opened = [subjects[subject], gaps[subject]].compactMap { $0 }.min() ?? 0
            return passes.keys.contains { $0 < opened }
        }
    }

    private let store: Store
    private let time: TimeSource
    /// Readable without waiting: nearly always there is no snapshot, and then events pass by.
    private nonisolated let watched = Mutex(Watched())
    /// Backfills of bulk queries, which have to know of which records an event went by.
    private var bulkReads: [SnapshotSubject: Set<String>] = [:]
    private var locks: [SnapshotSubject: PageLock] = [:]
    private var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    /// Waiters that were let go because their tasks were cancelled, until they notice.
    private var given: Set<Int> = []
    private var nextNumber = 0
    private var dropCounts: [SnapshotSubject: Int] = [:]
    private var reached: [Cursor.Key: Int64] = [:]

    package init(store: Store, time: TimeSource = .system) {
        self.store = store
        self.time = time
    }

    /// From now on events of this object take their turn with its pages, and are held against its marks.
    func open(_ subject: SnapshotSubject) {
        watched.withLock { $0.subjects[subject] = $0.open($0.subjects[subject]) }
    }

    func close(_ subject: SnapshotSubject) {
        watched.withLock { _ = $0.subjects.removeValue(forKey: subject) }
        dropCounts[subject] = nil
    }

    /// Nothing of this org is read any more.
    func forget(org: String) {
        for subject in watched.withLock({ Array($0.subjects.keys) }) where subject.org == org { close(subject) }
        for subject in bulkReads.keys where subject.org == org { bulkReads[subject] = nil }
    }

    /// As `open` and `close`, for records of gap events: neither ends what the other began.
    nonisolated func watchGaps(_ subject: SnapshotSubject) {
        watched.withLock { $0.gaps[subject] = $0.open($0.gaps[subject]) }
    }

    nonisolated func unwatchGaps(_ subject: SnapshotSubject) {
        watched.withLock { _ = $0.gaps.removeValue(forKey: subject) }
    }

    /// From now on records are noted, of which an event goes by. Before the bulk query is asked for.
    func follow(_ subject: SnapshotSubject, for backfill: String) { bulkReads[subject, default: []].insert(backfill) }

    func unfollow(_ subject: SnapshotSubject, for backfill: String) {
        bulkReads[subject]?.remove(backfill)
        if bulkReads[subject]?.isEmpty == true { bulkReads[subject] = nil }
    }

    /// Events that were older than their records, since the start.
    func dropped(_ subject: SnapshotSubject) -> Int { dropCounts[subject] ?? 0 }

    /// Everything of this topic up to this commit time has passed, as far as it was published; nil if nothing has.
    func reached(_ topic: Cursor.Key) -> Int64? { reached[topic] }

    // MARK: Turns

    /// Events of a batch, on their way through. Ends with `leave`.
    struct Pass: Sendable {
        fileprivate let subjects: [SnapshotSubject]
        fileprivate let opened: Int
        fileprivate let gate: SnapshotGate
        /// Of events, by their places, that are older than what was handed over of their records: for which rules.
        let covered: [Int: CoveredRules]

        func leave() async {
            gate.passed(opened)
            if !subjects.isEmpty { await gate.leave(subjects, isPage: false) }
        }
    }

    /// Waits for a page that is under way.
    ///
    /// - Parameter keepaliveAt: when Salesforce said that nothing waits. A response whose events had all come before, or
    ///   cannot be read, says no such thing.
    /// - Throws: `CancellationError` only.
    nonisolated func pass(_ events: [Event], topic: Cursor.Key, keepaliveAt: Int64?) async throws -> Pass {
        let (subjects, opened) = watched.withLock { $0.begin() }
        guard !subjects.isEmpty else { return Pass(subjects: [], opened: opened, gate: self, covered: [:]) }
        do {
            return try await pass(events, subjects, opened, topic, keepaliveAt)
        } catch {
            passed(opened)
            throw error
        }
    }

    private func pass(
        _ events: [Event], _ subjects: Set<SnapshotSubject>, _ opened: Int, _ topic: Cursor.Key, _ keepaliveAt: Int64?
    ) async throws -> Pass {
        let named = Set(events.map { SnapshotSubject(org: topic.org, entity: $0.entity) }).intersection(subjects).sorted()
        var entered: [SnapshotSubject] = []
        do {
            for subject in named {
                try await enter(subject, isPage: false)
                entered.append(subject)
            }
            var covered: [Int: CoveredRules] = [:]
            for subject in named {
                try await note(events, subject)
                try await cover(events, subject, &covered)
            }
            if let time = keepaliveAt ?? events.last?.time { reached[topic] = max(reached[topic] ?? .min, time) }
            return Pass(subjects: entered, opened: opened, gate: self, covered: covered)
        } catch {
            leave(entered, isPage: false)
            throw error
        }
    }

    /// A batch is through that began when so many had been opened.
    private nonisolated func passed(_ opened: Int) {
        watched.withLock { watched in
            guard let count = watched.passes[opened], count > 1 else { return watched.passes[opened] = nil }
            watched.passes[opened] = count - 1
        }
    }

    /// Waits for batches that began before the object was opened: they know nothing of its pages, and none may come
    /// behind one.
    private func earlierPasses(_ subject: SnapshotSubject) async throws {
        while watched.withLock({ $0.hasEarlierPasses(than: subject) }) { try await time.sleep(Self.look) }
    }

    /// The page has the object for itself until `leave`.
    func enterPage(_ subject: SnapshotSubject) async throws {
        try await earlierPasses(subject)
        try await enter(subject, isPage: true)
    }

    func leavePage(_ subject: SnapshotSubject) { leave([subject], isPage: true) }

    private func enter(_ subject: SnapshotSubject, isPage: Bool) async throws {
        let number = nextNumber
        nextNumber += 1
        guard !locks[subject, default: PageLock()].enter(number, isPage: isPage) else { return }
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiters[number] = $0 }
        } onCancel: {
            Task { await self.giveUp(number, subject) }
        }
        guard given.remove(number) == nil else { throw CancellationError() }
        guard !Task.isCancelled else {
            leave([subject], isPage: isPage)
            throw CancellationError()
        }
    }

    private func giveUp(_ number: Int, _ subject: SnapshotSubject) {
        // It may have had its turn meanwhile.
        guard let waiter = waiters.removeValue(forKey: number) else { return }
        given.insert(number)
        resume(locks[subject]?.giveUp(number) ?? [])
        waiter.resume()
    }

    fileprivate func leave(_ subjects: [SnapshotSubject], isPage: Bool) {
        for subject in subjects {
            resume(locks[subject]?.leave(isPage: isPage) ?? [])
            if locks[subject]?.isFree == true { locks[subject] = nil }
        }
    }

    private func resume(_ numbers: [Int]) { for number in numbers { waiters.removeValue(forKey: number)?.resume() } }

    // MARK: Marks

    /// Waits for a store that cannot be read: an event must not pass unseen.
    private func cover(
        _ events: [Event], _ subject: SnapshotSubject, _ covered: inout [Int: CoveredRules]
    ) async throws {
        let records = Set(events.lazy.filter { $0.entity == subject.entity }.map(\.recordID)).subtracting([""])
        guard !records.isEmpty else { return }
        let marks = try await marks(of: records, subject)
        guard !marks.isEmpty else { return }
        for (place, event) in events.enumerated() where event.entity == subject.entity {
            guard let found = marks[event.recordID], let rules = CoveredRules(found, at: event.time) else { continue }
            covered[place] = rules
            dropCounts[subject, default: 0] += 1
        }
    }

    /// By record, and then by rule.
    func marks(
        of records: Set<String>, _ subject: SnapshotSubject
    ) async throws -> [String: [String: Int64]] {
        let store = store
        return try await patiently { () async throws(StoreError) in
            try await store.marks(of: records, org: subject.org, entity: subject.entity)
        }
    }

    // MARK: Bulk queries

    private func note(_ events: [Event], _ subject: SnapshotSubject) async throws {
        guard let backfills = bulkReads[subject] else { return }
        let records = Set(events.lazy.filter { $0.entity == subject.entity }.map(\.recordID)).subtracting([""])
        guard !records.isEmpty else { return }
        let store = store
        for backfill in backfills {
            try await patiently { () async throws(StoreError) in try await store.addPassed(records, of: backfill) }
        }
    }

    /// Those of a bulk query's rows that may be older than what receivers have: an event of the record went by since it
    /// was asked for, or something newer was handed over of it.
    func overtaken(_ rows: [SnapshotRow], _ subject: SnapshotSubject, of backfill: String) async throws -> Set<String> {
        let (store, ids) = (store, Set(rows.map(\.id)))
        var overtaken = try await patiently { () async throws(StoreError) in
            try await store.passed(ids, of: backfill)
        }
        let marks = try await marks(of: ids, subject)
        for row in rows {
            let own = SnapshotCoverage.end(of: row.modified)
            if marks[row.id]?.values.contains(where: { $0 > own }) == true { overtaken.insert(row.id) }
        }
        return overtaken
    }

    private func patiently<Answer: Sendable>(
        _ body: @Sendable () async throws(StoreError) -> Answer
    ) async throws -> Answer {
        while true {
            do throws(StoreError) {
                return try await body()
            } catch {
                try await time.sleep(Self.storeRetry)
            }
        }
    }
}

/// Rules whose receivers have something newer than an event tells.
struct CoveredRules: Sendable, Equatable {
    private let rules: Set<String>

    /// - Parameter marks: of the event's record, by rule. Nil if none covers that time.
    init?(_ marks: [String: Int64], at time: Int64) {
        rules = Set(marks.lazy.filter { time <= $0.value }.map(\.key))
        if rules.isEmpty { return nil }
    }

    func contains(_ rule: String) -> Bool { rules.contains(rule) || rules.contains("") }
}
