import Events

/// What a tap shows. Lists that are empty let everything through; the others must each name one thing of it.
package struct TapFilter: Codable, Sendable, Equatable {
    package var topics: [String] = []
    package var rules: [String] = []
    package var destinations: [String] = []
    package var entities: [String] = []
    package var events = true
    package var deliveries = true
    /// Every so many of what passes the rest.
    package var sample = 1

    package init() {}

    func takes(_ item: TapItem) -> Bool {
        switch item {
        case .event(let event, let result):
            return events && holds(topics, event.topic) && holds(entities, event.entity)
                && holds(rules, result.outcomes.map(\.rule) + result.failures.map(\.rule))
                && holds(destinations, result.deliveries.map(\.destination))
        case .attempt(let delivery, _):
            return deliveries && holds(topics, delivery.origin.topic) && holds(entities, delivery.origin.entity)
                && holds(rules, delivery.rule) && holds(destinations, delivery.destination)
        }
    }

    private func holds(_ wanted: [String], _ value: String) -> Bool { wanted.isEmpty || wanted.contains(value) }

    private func holds(_ wanted: [String], _ values: [String]) -> Bool {
        wanted.isEmpty || values.contains(where: wanted.contains)
    }
}
