import Curl
import Events
import Relay

/// Deliveries in their lanes: one of a lane after another, each until its course has ended.
struct TestLanes {
    struct Entry {
        let source: Delivery
        var delivery: SentDelivery
        var course: DeliveryCourse
        /// The batch that waits for it.
        var batch: String?
        /// Rendered, and never sent: its request is made once, and the answer does not matter.
        var isShadow: Bool
        /// Milliseconds after the start.
        var due: Int64
        var hasEnded = false
        /// It does not fit what its flow takes, and waits until somebody mends that.
        var isHeld = false
        /// Made by a run, not by a lane.
        var isRun = false
    }

    private(set) var sent: [Entry] = []
    /// Places in `sent`, of those that have not ended.
    private var lanes: [String: [Int]] = [:]

    mutating func add(_ delivery: Delivery, batch: String?, isShadow: Bool, at now: Int64) {
        // A shadow of something gathered is never closed, and so never a request.
        var isSendable = true
        switch delivery.target {
        case .batch, .run: isSendable = false
        case .webhook, .flow, .listener: break
        }
        sent.append(
            Entry(
                source: delivery,
                delivery: SentDelivery(id: delivery.id, rule: delivery.rule, destination: delivery.destination),
                course: DeliveryCourse(limits: delivery.retry, seed: UInt64(sent.count)), batch: batch,
                isShadow: isShadow, due: now, hasEnded: !isSendable))
        guard isSendable else { return }
        let prefix = isShadow ? "shadow" : "live"
        lanes["\(prefix) \(delivery.destination) \(delivery.lane)", default: []].append(sent.count - 1)
    }

    /// When a lane's first one is due.
    var due: Int64? { heads.map { sent[$0].due }.min() }

    /// In the order in which they were made.
    private var heads: [Int] {
        lanes.values.compactMap(\.first).filter { sent[$0].delivery.state != .paused && !sent[$0].isHeld }.sorted()
    }

    func ready(at now: Int64) -> Int? { heads.first { sent[$0].due <= now } }

    /// - Returns: whether that was its last attempt.
    mutating func attempted(_ index: Int, _ outcome: AttemptOutcome, _ requests: [HTTPRequest], now: Moment) -> Bool {
        if requests.isEmpty, !outcome.note.receiverWasAsked {
            sent[index].isHeld = true
            sent[index].delivery.reason = outcome.note.reason
            return false
        }
        note(index, outcome.note.reason, requests, now.uptime)
        switch sent[index].isShadow ? .dropped("") : sent[index].course.apply(outcome, at: now) {
        case .again(let milliseconds):
            // Never at the same moment again: a test that goes round in circles would not end.
            sent[index].due = now.uptime + max(1, milliseconds)
            return false
        case .paused:
            sent[index].delivery.state = .paused
            return false
        case .delivered: sent[index].delivery.state = .delivered
        case .dead(let reason):
            sent[index].delivery.state = .dead
            sent[index].delivery.reason = reason
        case .dropped: sent[index].delivery.state = .dropped
        }
        sent[index].hasEnded = true
        for (lane, entries) in lanes where entries.first == index { next(in: lane, now.uptime) }
        return true
    }

    private mutating func next(in lane: String, _ now: Int64) {
        lanes[lane]?.removeFirst()
        guard let following = lanes[lane]?.first else {
            lanes[lane] = nil
            return
        }
        sent[following].due = max(sent[following].due, now)
    }

    private mutating func note(_ index: Int, _ reason: String, _ requests: [HTTPRequest], _ now: Int64) {
        sent[index].delivery.attempts += 1
        sent[index].delivery.reason = reason
        sent[index].delivery.at = sent[index].delivery.at ?? now
        sent[index].delivery.request = sent[index].delivery.request ?? requests.first
    }

    // MARK: Runs

    /// A run was posted (again).
    ///
    /// - Returns: its place in `sent`.
    mutating func posted(
        _ claim: Delivery, window: ClosedRange<Int64>, _ requests: [HTTPRequest], again index: Int?, at now: Int64
    ) -> Int {
        let place = index ?? sent.count
        if index == nil {
            sent.append(
                Entry(
                    source: claim,
                    delivery: SentDelivery(id: claim.id, rule: claim.rule, destination: claim.destination),
                    course: DeliveryCourse(limits: claim.retry, seed: 0), batch: nil, isShadow: false, due: now,
                    isRun: true))
        }
        sent[place].delivery.window = window
        note(place, "", requests, now)
        return place
    }

    mutating func ended(run index: Int, _ state: SentDelivery.State, _ reason: String = "") {
        sent[index].delivery.state = state
        sent[index].delivery.reason = reason
        sent[index].hasEnded = true
    }
}
