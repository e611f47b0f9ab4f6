import Events
import Store

/// Records that wait to be read since a gap event told that they changed, with the events that wait behind it. No clock,
/// no store: times are passed in, epoch milliseconds.
struct GapQueue {
    struct Key: Hashable, Sendable {
        var topic: String
        var entity: String
        var recordID: String

        init(_ event: Event) {
            topic = event.topic
            entity = event.entity
            recordID = event.recordID
        }
    }

    struct Waiting: Sendable {
        var event: Event
        var row: HeldEvent
    }

    struct Record: Sendable {
        /// In stream order; the first is a gap event.
        var events: [Waiting] = []
        /// When it is to be read, at the earliest.
        var readAt: Int64
        var reads = 0
        /// Its batch is not the outbox's yet, so nothing may go past it.
        var isArriving = true
    }

    /// Gap events cluster: they are read together.
    static let gather: Int64 = 1_000
    /// A read waits for the doubtful seconds behind an event, but no longer than this for a clock that is ahead.
    static let maximumWait: Int64 = 15_000
    /// Records that one call reads.
    static let maximumRead = 200

    private(set) var records: [Key: Record] = [:]
    private(set) var eventCount = 0
    private(set) var byteCount = 0

    var isEmpty: Bool { records.isEmpty }

    func holds(_ event: Event) -> Bool { records[Key(event)] != nil }

    func subjects(org: String) -> Set<SnapshotSubject> {
        Set(records.keys.map { SnapshotSubject(org: org, entity: $0.entity) })
    }

    /// - Parameter isArriving: false for what an earlier process left.
    mutating func hold(_ waiting: Waiting, isArriving: Bool = true) {
        let key = Key(waiting.event)
        var record = records[key] ?? Record(readAt: Self.readTime(waiting))
        record.isArriving = isArriving
        // It comes again after its batch was given up, as when a cursor is moved.
        guard !record.events.contains(where: { $0.row.key == waiting.row.key }) else { return records[key] = record }
        record.events.append(waiting)
        records[key] = record
        eventCount += 1
        byteCount += waiting.row.payload.count
    }

    private static func readTime(_ first: Waiting) -> Int64 {
        let received = first.row.receivedAt
        return min(
            max(received + gather, first.event.time + SnapshotCoverage.settle + GapVerdict.margin),
            received + maximumWait)
    }

    /// The batch that brought them is the outbox's.
    mutating func arrived(_ keys: Set<Key>) { for key in keys { records[key]?.isArriving = false } }

    /// When something is to be read; nil while nothing is.
    var next: Int64? { records.values.lazy.filter { !$0.isArriving }.map(\.readAt).min() }

    /// Records of one object and topic, those that have waited longest first.
    func due(now: Int64) -> [Key] {
        let ready = records.filter { !$0.value.isArriving && $0.value.readAt <= now }.sorted {
            ($0.value.readAt, $0.key.recordID) < ($1.value.readAt, $1.key.recordID)
        }
        guard let first = ready.first?.key else { return [] }
        let same = ready.lazy.map(\.key).filter { $0.entity == first.entity && $0.topic == first.topic }
        return Array(same.prefix(Self.maximumRead))
    }

    /// The read of a record begins: how many of its events it is sure to hold.
    mutating func beginRead(_ key: Key) -> Int {
        records[key]?.reads += 1
        return records[key]?.events.count ?? 0
    }

    /// A clock that was set back must not hold anything up for as long.
    mutating func bound(now: Int64) {
        for (key, record) in records where record.readAt > now + Self.longestAhead {
            records[key]?.readAt = now + Self.maximumWait
        }
    }

    /// Further ahead than any read is ever planned.
    private static let longestAhead: Int64 = 120_000

    mutating func readAgain(_ key: Key, at time: Int64) { records[key]?.readAt = time }

    /// The first of its events wait no more. What is left begins with a gap event, and is read on its own.
    mutating func release(_ key: Key, first count: Int) {
        guard var record = records.removeValue(forKey: key) else { return }
        let released = record.events.prefix(count)
        eventCount -= released.count
        byteCount -= released.reduce(0) { $0 + $1.row.payload.count }
        record.events.removeFirst(released.count)
        guard let next = record.events.first else { return }
        record.readAt = Self.readTime(next)
        record.reads = 0
        records[key] = record
    }
}
