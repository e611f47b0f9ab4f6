import Events

/// What an edit of the rules would change, found by taking events through the set before it and the set after it.
///
/// Nothing is read from Salesforce and nothing is sent. `now` in expressions is the time at which the event was
/// received, so that two runs over the same events agree.
package struct RuleSetDiff: Sendable {
    private let before: RuleSet
    private let after: RuleSet
    private let monotonic: @Sendable () -> Duration
    /// Shows no more of bodies than their rules do: for events that nobody gave, but that the relay has.
    private let limitsBodies: Bool
    package private(set) var report: RuleSetDiffReport

    package init(
        before: RuleSet, after: RuleSet, limitsBodies: Bool = false, monotonic: @escaping @Sendable () -> Duration
    ) {
        self.limitsBodies = limitsBodies
        self.before = before
        self.after = after
        self.monotonic = monotonic
        report = RuleSetDiffReport(before: before, after: after)
    }

    package mutating func add(_ event: Event) {
        let now = event.receivedAt
        // The new set first: it pays for reading the fields, as it would on the live stream.
        let start = monotonic()
        let fresh = after.route(event, now: now)
        report.latency.add(monotonic() - start, of: event)
        let old = RoutedEvent(event, before.route(event, now: now), by: before)
        let new = RoutedEvent(event, fresh, by: after)
        report.events += 1
        report.count(old.tally, \.before)
        report.count(new.tally, \.after)
        let reading = old.reading.union(new.reading)
        if !reading.isEmpty { report.needReading += 1 }
        compare(old, new, reading, of: event)
    }

    // MARK: Deliveries

    /// Deliveries are the same delivery if they have the same ID: that is what receivers go by.
    private mutating func compare(_ old: RoutedEvent, _ new: RoutedEvent, _ reading: Set<String>, of event: Event) {
        var rest = old.made
        for made in new.made {
            let index = rest.firstIndex { $0.id == made.id && $0.isShadow == made.isShadow }
            compare(index.map { rest.remove(at: $0) }, made, reading, event)
        }
        for made in rest { compare(made, nil, reading, event) }
    }

    private mutating func compare(
        _ old: RoutedEvent.Made?, _ new: RoutedEvent.Made?, _ reading: Set<String>, _ event: Event
    ) {
        guard let made = new ?? old else { return }
        if old == nil || new == nil, reading.contains(made.rule) { return }
        switch (old?.outcome, new?.outcome) {
        case (.delivery(let old)?, .delivery(let new)?):
            guard let difference = self.difference(old, new, at: event.receivedAt) else {
                report.unchanged += 1
                return
            }
            report.note(.changed, made, event, difference.limited(to: display(of: made.rule)))
        case (_, .delivery?): report.note(.added, made, event)
        case (.failure(let old)?, .failure(let new)?) where old == new: report.unchanged += 1
        case (_, .failure(let reason)?):
            report.note(.failing, made, event, DeliveryDifference(path: "", old: "", new: reason))
        case (_, nil): report.note(.removed, made, event)
        }
    }

    /// What either set's rule allows: an edit must not show what is hidden.
    private func display(of rule: String) -> BodyDisplay {
        guard limitsBodies else { return .full }
        return (before.shownBodies(of: rule) ?? .full).limited(by: after.shownBodies(of: rule) ?? .full)
    }

    private func difference(_ old: Delivery, _ new: Delivery, at now: Int64) -> DeliveryDifference? {
        if let difference = DeliveryDifference.first(old, new) { return difference }
        // What a gathered delivery becomes shows only when it is closed: each is closed as a batch of one.
        guard case .batch = old.target, case .batch = new.target else { return nil }
        switch (before.close([old], now: now)[0].batch, after.close([new], now: now)[0].batch) {
        case (.delivery(let old), .delivery(let new)): return DeliveryDifference.first(old, new)
        case (.delivery, .failure(let failure)):
            return DeliveryDifference(path: "body", old: "can be built", new: failure.description)
        case (.failure(let failure), .delivery):
            return DeliveryDifference(path: "body", old: failure.description, new: "can be built")
        default: return nil
        }
    }
}
