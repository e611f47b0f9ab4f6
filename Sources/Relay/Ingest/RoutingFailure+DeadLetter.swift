import Events
import Rules
import Store

extension DeferredDelivery {
    /// Takes its place in the lane until the record can be read.
    var unrendered: Delivery {
        .unrendered(
            id: id, rule: rule, destination: destination, lane: lane, origin: origin, reason: reason, retry: retry,
            isDeferred: true)
    }
}

extension RoutingFailure {
    /// What is kept of a delivery whose request could not be built. Nil if the rule wants such deliveries dropped.
    func deadLetter(at wall: Int64) -> DeadLetter? {
        guard onError != .drop else { return nil }
        let delivery = Delivery(
            id: id, rule: rule, destination: destination, lane: lane,
            target: .webhook(method: "POST", path: "", headers: []), body: [], origin: origin,
            retry: RetryLimits(onError: onError))
        return DeadLetter(delivery: delivery, reason: .rendering, detail: description, diedAt: wall)
    }

    /// On the live stream, for a rule that says `onError: pause`: it takes its place in the lane, which waits.
    var paused: Delivery? {
        guard onError == .pause else { return nil }
        return .unrendered(
            id: id, rule: rule, destination: destination, lane: lane, origin: origin, reason: description)
    }
}
