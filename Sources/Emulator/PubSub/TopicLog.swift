import DequeModule
import Events
import PubSub

/// The retained events of one topic, in order, with their replay IDs.
///
/// Bounded by time as the real bus is, and by count and bytes as a program must be. IDs are not contiguous, so that a
/// client that calculates with them fails here and not in production.
struct TopicLog: Sendable {
    struct Limits: Sendable {
        var retentionMilliseconds: Int64 = 72 * 3_600_000
        var events = 100_000
        var bytes = 64 << 20
    }

    private struct Entry {
        let position: UInt64
        let publishedAt: Int64
        let event: ConsumerEvent
    }

    let limits: Limits
    private var entries: Deque<Entry> = []
    private var bytes = 0
    /// Of the newest event ever, or where the topic began.
    private(set) var newest: UInt64
    /// Everything up to here is gone (or never was).
    private(set) var purged: UInt64

    /// - Parameter base: where IDs begin; one that no earlier life of the topic used.
    init(base: UInt64, limits: Limits = Limits()) {
        self.limits = limits
        newest = base
        purged = base
    }

    var count: Int { entries.count }

    var latestReplayID: ReplayID { Self.replayID(newest) }

    /// - Parameters:
    ///   - stride: how far the ID moves on, at least 1.
    ///   - now: epoch milliseconds.
    mutating func append(id: String, schemaID: String, payload: [UInt8], stride: UInt64, now: Int64) -> ReplayID {
        precondition(stride > 0, "replay IDs must move on")
        newest += stride
        let replayID = Self.replayID(newest)
        let event = ConsumerEvent(id: id, schemaID: schemaID, replayID: replayID, payload: payload)
        entries.append(Entry(position: newest, publishedAt: now, event: event))
        bytes += payload.count
        purge(now: now)
        return replayID
    }

    mutating func purge(now: Int64) {
        while let oldest = entries.first, isOver || now - oldest.publishedAt > limits.retentionMilliseconds {
            bytes -= oldest.event.payload.count
            purged = oldest.position
            entries.removeFirst()
        }
    }

    private var isOver: Bool { entries.count > limits.events || bytes > limits.bytes }

    /// Where a new stream starts: it gets what comes *after* this position.
    func start(_ request: FetchRequest) throws(PubSubFailure) -> UInt64 {
        switch request.replayPreset {
        case .latest: return newest
        case .earliest: return purged
        case .custom:
            guard let replayID = request.replayID else { throw .replayIDMissing }
            guard let position = Self.position(replayID), isKnown(position) else { throw .replayIDCorrupted }
            return position
        }
    }

    /// Events after `position`, at most `count`, and at most `bytes` of payload (but always one if there is one).
    ///
    /// - Parameter hidden: IDs of schemas whose events are passed over.
    /// - Returns: the position behind what was read or passed over.
    func read(
        after position: UInt64, count: Int, bytes: Int, hidden: Set<String> = []
    ) -> (events: [ConsumerEvent], position: UInt64) {
        var events: [ConsumerEvent] = []
        var last = position
        var size = 0
        for entry in entries[firstIndex(after: position)...] {
            guard !hidden.contains(entry.event.schemaID) else {
                last = entry.position
                continue
            }
            guard events.count < count else { break }
            size += entry.event.payload.count
            if !events.isEmpty, size > bytes { break }
            events.append(entry.event)
            last = entry.position
        }
        return (events, last)
    }

    /// Whether a stream may start after it.
    func isKnown(_ position: UInt64) -> Bool {
        if position == newest || position == purged { return true }
        let index = firstIndex(after: position) - 1
        return index >= 0 && entries[index].position == position
    }

    /// Binary search.
    private func firstIndex(after position: UInt64) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].position > position { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

extension TopicLog {
    /// The form of every captured ID: eight bytes, big-endian, and two zero bytes.
    static func replayID(_ position: UInt64) -> ReplayID {
        var bytes = withUnsafeBytes(of: position.bigEndian) { Array($0) }
        bytes += [0, 0]
        return ReplayID(bytes)!
    }

    /// The short form without the two zero bytes is accepted too, as the real server does.
    static func position(_ replayID: ReplayID) -> UInt64? {
        let bytes = replayID.bytes
        guard bytes.count == 8 || (bytes.count == 10 && bytes[8] == 0 && bytes[9] == 0) else { return nil }
        return bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
