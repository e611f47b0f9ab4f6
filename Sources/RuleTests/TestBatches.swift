import Events
import Relay

/// The batches that are open in a test, each with the relay's own plan.
struct TestBatches {
    struct Closed {
        var key: String
        var claims: [Delivery]
    }

    private struct Batch {
        var plan = BatchPlan()
        var claims: [String: Delivery] = [:]
        var topic: String
        /// Deliveries of the batch in flight that have not ended.
        var open = 0
    }

    private var batches: [String: Batch] = [:]
    /// In the order in which they first came.
    private var order: [String] = []
    private(set) var due: Int64?

    var isGathering: Bool { batches.values.contains { $0.plan.count > 0 } }

    mutating func add(_ delivery: Delivery, _ claim: BatchClaim, at now: Int64) {
        let key = "\(delivery.destination) \(delivery.lane)"
        if batches[key] == nil { order.append(key) }
        batches[key, default: Batch(topic: delivery.origin.topic)].claims[delivery.id] = delivery
        batches[key]?.plan.add(delivery.id, claim, at: now)
    }

    /// An event came along the stream, whatever the rules make of it.
    mutating func saw(_ event: Event) {
        guard let transaction = event.header?.transactionKey else { return }
        for key in order where batches[key]?.topic == event.topic && batches[key]?.plan.transaction != transaction {
            batches[key]?.plan.transactionPassed()
        }
    }

    /// Nothing came for long.
    mutating func idle() {
        for key in order { batches[key]?.plan.transactionPassed() }
    }

    /// What is to be closed now; `due` says when to ask again.
    mutating func closed(at now: Int64) -> [Closed] {
        var closed: [Closed] = []
        due = nil
        for key in order {
            switch batches[key]?.plan.next(at: now) {
            case .close(let ids)?:
                let claims = ids.compactMap { batches[key]?.claims.removeValue(forKey: $0) }
                closed.append(Closed(key: key, claims: claims))
            case .wait(let until?)?: due = min(due ?? until, until)
            case .wait(nil)?, nil: break
            }
        }
        return closed
    }

    /// - Parameter deliveries: how many were made of a closed batch; none when its request could not be built.
    mutating func started(_ key: String, deliveries: Int) {
        batches[key]?.open = deliveries
        if deliveries == 0 { batches[key]?.plan.ended() }
    }

    mutating func ended(_ key: String) {
        batches[key]?.open -= 1
        guard batches[key]?.open == 0 else { return }
        batches[key]?.plan.ended()
        // What gathered meanwhile may be due already.
        due = 0
    }
}
