import Events
import Rules
import Store

extension RoutedBatch {
    /// What the rules made of an event of the live stream.
    ///
    /// - Parameters:
    ///   - source: the event as Salesforce sent it: kept if any of it has no request.
    ///   - org: the operator's name of it.
    mutating func take(_ result: RoutingResult, of event: Event, _ source: ConsumerEvent, org: String) {
        deliveries += result.deliveries
        guard !result.deferred.isEmpty || !result.failures.isEmpty else { return }
        deliveries += result.deferred.map(\.unrendered)
        for failure in result.failures {
            if let paused = failure.paused {
                deliveries.append(paused)
            } else if let letter = failure.deadLetter(at: event.receivedAt) {
                deadLetters.append(letter)
            }
        }
        kept.append(KeptEvent(source, of: event, org: org))
    }
}

extension KeptEvent {
    /// - Parameters:
    ///   - source: the event as Salesforce sent it.
    ///   - event: one that was decoded of it.
    init(_ source: ConsumerEvent, of event: Event, org: String) {
        self.init(source, org: org, orgID: event.org.id, topic: event.topic, receivedAt: event.receivedAt)
    }
}
