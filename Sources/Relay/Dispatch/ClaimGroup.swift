import Events
import Store

/// Claims that are paged together: those on one flow, of one gathering rule, or of one batch key that crowded the
/// others of its rule. Belongs to the outbox's actor.
final class ClaimGroup {
    /// `Delivery.claimGroup`; the lane for one batch key.
    let name: String
    let isLane: Bool
    var window: StreamWindow
    /// Claims that are here, by lane. Only kept for rules that gather: runs of a flow stand or go on together.
    private var lanes: [String: Int] = [:]
    /// Those of `lanes` with so many claims.
    private var crowded: Set<String> = []
    private let crowd: Int

    /// - Parameter crowd: with so many claims, a batch key may be paged apart from its rule.
    init(_ name: String, isLane: Bool = false, storedBeyond: Bool, after boundary: Int64, crowd: Int) {
        self.name = name
        self.isLane = isLane
        self.crowd = crowd
        window = StreamWindow(maximumCount: 0, maximumBytes: 0, storedBeyond: storedBeyond, after: boundary)
    }

    var isEmpty: Bool { window.count == 0 && !window.isPaged }

    func entered(_ entry: OutboxEntry) {
        window.entered(entry)
        count(entry, 1)
    }

    func left(_ entry: OutboxEntry) {
        window.left(entry)
        count(entry, -1)
    }

    private func count(_ entry: OutboxEntry, _ change: Int) {
        guard case .batch = entry.delivery.target, !isLane else { return }
        let lane = entry.delivery.lane
        let count = lanes[lane, default: 0] + change
        lanes[lane] = count > 0 ? count : nil
        if count >= crowd { crowded.insert(lane) } else { crowded.remove(lane) }
    }

    /// The batch key that has most of what is here, if that is many claims.
    var crowdedLane: String? { crowded.max { lanes[$0, default: 0] < lanes[$1, default: 0] } }

    func read(for destination: String, atMost rows: Int) -> OutboxRead {
        let limit = max(1, min(rows, window.maximumCount - window.count))
        guard isLane else {
            return OutboxRead(destination: destination, group: name, after: window.boundary, limit: limit)
        }
        return OutboxRead(
            destination: destination, isGathered: true, lane: name, after: window.boundary, limit: limit)
    }
}
