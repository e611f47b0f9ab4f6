import DequeModule
import Events

/// What a flow or a listener that is held, or busy, has beyond the lanes that are known of it. It stays in the store, and
/// is read in the order of the stream once that flow or listener goes on; so its lanes never take the room of others'.
struct TargetBacklog {
    let target: HoldKey
    /// Every delivery up to this sequence number is in a lane, or behind its stub.
    var readThrough: Int64
    /// Accepted after that, and not committed yet.
    var tail: Deque<OutboxEntry> = []
    /// It is to be tried whether its hold is over, and no lane of it is there to try it.
    var wantsProbe = false

    /// After a commit: what is stored need not be kept.
    mutating func dropStored() {
        while let first = tail.first, first.storage == .stored { tail.removeFirst() }
    }
}

extension TargetBacklog {
    /// With what the lanes of one flow or listener begin, and those of no other target, but for flows whose IDs end
    /// alike; nil where lanes have no such beginning.
    static func prefix(of lane: String) -> String? {
        lane.utf8.firstIndex(of: UInt8(ascii: "/")).map { String(lane[...$0]) }
    }
}

extension HoldKey {
    /// Its lanes have a beginning of their own, and there may be other targets beside it.
    var mayBacklog: Bool {
        switch self {
        case .flow, .listener: true
        case .webhook, .run, .batch, .unrendered: false
        }
    }
}
