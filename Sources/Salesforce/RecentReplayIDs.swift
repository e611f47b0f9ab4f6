import Events

/// The last replay IDs of a topic, to drop events that a reconnect brings twice.
struct RecentReplayIDs: Sendable {
    static let limit = 400

    private var order: [ReplayID] = []
    private var known: Set<ReplayID> = []
    private var next = 0

    /// - Returns: false if it was there already.
    mutating func insert(_ id: ReplayID) -> Bool {
        guard known.insert(id).inserted else { return false }
        if order.count < Self.limit {
            order.append(id)
        } else {
            known.remove(order[next])
            order[next] = id
            next = (next + 1) % Self.limit
        }
        return true
    }

    /// After a jump back on purpose (EARLIEST), old events are wanted again.
    mutating func removeAll() { self = RecentReplayIDs() }
}
