import Events
import Rules
import Store

extension RoutingFailure {
    /// What is kept of a delivery whose request could not be built. Nil if the rule wants such deliveries dropped.
    ///
    /// `pause` keeps it as well: a rule that cannot render this event renders the next one all the same.
    func deadLetter(at wall: Int64) -> DeadLetter? {
        guard onError != .drop else { return nil }
        let delivery = Delivery(
            id: id, rule: rule, destination: destination, lane: origin.recordID,
            target: .webhook(method: "POST", path: "", headers: []), body: [], origin: origin,
            retry: RetryLimits(onError: onError))
        return DeadLetter(delivery: delivery, reason: .rendering, detail: description, diedAt: wall)
    }
}
