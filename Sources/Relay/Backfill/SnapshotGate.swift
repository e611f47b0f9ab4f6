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

/// Keeps snapshots and streams apart: while a page of records is read and handed over, events of that object wait; and
/// events that are older than what was handed over of their record are dropped.
///
/// What was handed over is marked in the store before it goes, so that this holds after a kill as well.
package actor SnapshotGate {
    /// Between tries of a store that cannot be read.
    static let storeRetry: Duration = .seconds(1)

    private let store: Store
    private let time: TimeSource
    /// Readable without waiting: nearly always there is no snapshot, and then events pass by.
    private nonisolated let subjects = Mutex<Set<SnapshotSubject>>([])
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
    func open(_ subject: SnapshotSubject) { subjects.withLock { _ = $0.insert(subject) } }

    func close(_ subject: SnapshotSubject) {
        subjects.withLock { _ = $0.remove(subject) }
        dropCounts[subject] = nil
    }

    /// Events that were older than their records, since the start.
    func dropped(_ subject: SnapshotSubject) -> Int { dropCounts[subject] ?? 0 }

    /// Everything of this topic up to this commit time has passed, as far as it was published; nil if nothing has.
    func reached(_ topic: Cursor.Key) -> Int64? { reached[topic] }

    // MARK: Turns

    /// Events of a batch, on their way through. Ends with `leave`.
    struct Pass: Sendable {
        fileprivate let subjects: [SnapshotSubject]
        fileprivate let gate: SnapshotGate?
        /// Those that are not older than their records.
        let events: [Event]

        func leave() async { if let gate { await gate.leave(subjects, isPage: false) } }
    }

    /// Waits for a page that is under way.
    ///
    /// - Throws: `CancellationError` only.
    nonisolated func pass(_ events: [Event], topic: Cursor.Key, receivedAt: Int64) async throws -> Pass {
        let watched = subjects.withLock { $0 }
        guard !watched.isEmpty else { return Pass(subjects: [], gate: nil, events: events) }
        return try await pass(events, watched, topic, receivedAt)
    }

    private func pass(
        _ events: [Event], _ watched: Set<SnapshotSubject>, _ topic: Cursor.Key, _ receivedAt: Int64
    ) async throws -> Pass {
        let named = Set(events.map { SnapshotSubject(org: topic.org, entity: $0.entity) }).intersection(watched).sorted()
        var entered: [SnapshotSubject] = []
        do {
            for subject in named {
                try await enter(subject, isPage: false)
                entered.append(subject)
            }
            var rest = events
            for subject in named { rest = try await current(rest, subject) }
            reached[topic] = events.isEmpty ? receivedAt : max(reached[topic] ?? .min, events.last?.time ?? .min)
            return Pass(subjects: entered, gate: self, events: rest)
        } catch {
            leave(entered, isPage: false)
            throw error
        }
    }

    /// The page has the object for itself until `leave`.
    func enterPage(_ subject: SnapshotSubject) async throws { try await enter(subject, isPage: true) }

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
    private func current(_ events: [Event], _ subject: SnapshotSubject) async throws -> [Event] {
        let records = Set(events.lazy.filter { $0.entity == subject.entity }.map(\.recordID)).subtracting([""])
        guard !records.isEmpty else { return events }
        let marks = try await marks(of: records, subject)
        let rest = events.filter { event in
            guard event.entity == subject.entity, let covers = marks[event.recordID] else { return true }
            return event.time > covers
        }
        dropCounts[subject, default: 0] += events.count - rest.count
        return rest
    }

    private func marks(of records: Set<String>, _ subject: SnapshotSubject) async throws -> [String: Int64] {
        while true {
            do throws(StoreError) {
                return try await store.marks(of: records, org: subject.org, entity: subject.entity)
            } catch {
                try await time.sleep(Self.storeRetry)
            }
        }
    }
}
