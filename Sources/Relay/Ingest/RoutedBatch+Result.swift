import Events
import Rules
import Store

extension RoutedBatch {
    /// What the rules made of an event of the live stream.
    ///
    /// - Parameter source: the event as Salesforce sent it: kept if any of it has no request.
    mutating func take(_ result: RoutingResult, of event: Event, _ source: ConsumerEvent) {
        deliveries += result.deliveries
        guard !result.deferred.isEmpty || !result.failures.isEmpty else { return }
        let before = (deliveries.count, deadLetters.count)
        deliveries += result.deferred.map(\.unrendered)
        for failure in result.failures {
            if let paused = failure.paused {
                deliveries.append(paused)
            } else if let letter = failure.deadLetter(at: event.receivedAt) {
                deadLetters.append(letter)
            }
        }
        if before != (deliveries.count, deadLetters.count) { keep(source, of: event) }
    }

    /// Once, however many records it is about.
    ///
    /// - Parameter event: one that was decoded of it.
    mutating func keep(_ source: ConsumerEvent, of event: Event) {
        let next = KeptEvent(source, orgID: event.org.id, topic: event.topic, receivedAt: event.receivedAt)
        if kept.last?.isSame(as: next) != true { kept.append(next) }
    }
}
