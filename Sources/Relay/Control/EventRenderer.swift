import Events
import Rules
import Store

/// Builds requests anew by the rules in force now: from the event that was kept because there was none yet, or else from
/// the journal, as long as that has it.
struct EventRenderer: DeliveryRenderer {
    let store: Store
    let orgs: ReplayOrgs
    let rules: CurrentRules
    let time: TimeSource

    var version: String { rules.current.hash }

    func render(_ delivery: Delivery) async -> Rendering {
        do throws(ControlError) {
            return try await rendered(delivery)
        } catch {
            return .later("\(delivery.unrenderedReason ?? ""); it cannot be tried again now: \(error)")
        }
    }

    func rendered(_ delivery: Delivery) async throws(ControlError) -> Rendering {
        let (store, orgs, origin) = (store, orgs, delivery.origin)
        let kept = try await stored { () async throws(StoreError) in
            try await store.keptEvent(orgID: origin.orgID, topic: origin.topic, replayID: origin.replayID)
        }
        let known = try await stored { () async throws(StoreError) in try await orgs.entry(orgID: origin.orgID) }
        if let kept, let known, let again = try await rendered(delivery, kept.source, known, kept.receivedAt) { return again }
        for key in try await stored({ () async throws(StoreError) in try await store.journalTopics() }) {
            guard key.topic == origin.topic else { continue }
            let (cursor, entry) = try await stored { () async throws(StoreError) in
                (try await store.cursor(key), try await orgs.entry(key.org))
            }
            // Replay IDs are counted in each org: another one's event may have the same.
            guard let entry, cursor?.orgID ?? origin.orgID == origin.orgID else { continue }
            let search = JournalSearch(store: store, key: key)
            guard let found = try await search.find(origin.replayID, committedAt: origin.time) else { continue }
            let again = try await rendered(delivery, found.events[found.index], entry, found.row.entry.receivedAt)
            if let again { return again }
        }
        return .failed("its event is not known any more; `sluice replay --source salesforce` may still get it")
    }

    /// - Returns: nil if it is not this event's delivery.
    private func rendered(
        _ delivery: Delivery, _ source: ConsumerEvent, _ entry: ReplayOrgs.Entry, _ receivedAt: Int64
    ) async throws(ControlError) -> Rendering? {
        let origin = delivery.origin
        switch try await decoded(source, topic: origin.topic, receivedAt: receivedAt, entry) {
        case .success(let events):
            let mine = events.filter { $0.org.id == origin.orgID && $0.recordID == origin.recordID }
            guard !mine.isEmpty else { return nil }
            let again = try await rendered(delivery, mine, entry)
            // Rules may go by its name, which may have changed until it signs in.
            guard again == .nothing, orgs.isGone(entry.org.alias) else { return again }
            return .later("the org \(entry.org.alias) is not in sluice.yaml")
        case .failure(let why): return .failed(why.reason)
        }
    }

    private func rendered(
        _ delivery: Delivery, _ events: [Event], _ entry: ReplayOrgs.Entry
    ) async throws(ControlError) -> Rendering {
        guard rules.current.ruleIDs.contains(delivery.rule) else {
            return .failed("today's rules have no rule '\(delivery.rule)'")
        }
        let replay = ReplayedDelivery.replay(ofDelivery: delivery.id)
        var why: Rendering = .nothing
        for event in events {
            var event = event
            event.replay = replay
            let result = try await routed(event, entry)
            func isIt(_ id: String) -> Bool {
                replay.map { ReplayedDelivery.id(id, of: $0) } ?? id == delivery.id
            }
            // What is read of a record has the ID of the state that was read, which is another one by now.
            func wasRead(_ rule: String, _ destination: String) -> Bool {
                event.isGapOfRecord && rule == delivery.rule && destination == delivery.destination
            }
            let same = result.deliveries.first { isIt($0.id) }
            // One event of a batch is not the batch.
            if same == nil, delivery.unrenderedReason == nil, !delivery.target.isClaimOnBatch,
                result.deliveries.contains(where: {
                    $0.target.isClaimOnBatch && $0.rule == delivery.rule && $0.destination == delivery.destination
                })
            {
                return .failed(
                    "it was gathered from several events, which are not known one by one any more; without --render it is "
                        + "sent as it was")
            }
            let found = same ?? result.deliveries.only { wasRead($0.rule, $0.destination) }
            if var found {
                found.id = delivery.id
                return .ready(found)
            }
            if let reason = result.whyUnfinished { why = .later(reason) }
            let failure = result.failures.first { isIt($0.id) }
                ?? result.failures.only { wasRead($0.rule, $0.destination) }
            if let failure {
                why = .failed("it still cannot be rendered: \(failure.description)")
            }
        }
        return why
    }

    func routed(_ event: Event, _ entry: ReplayOrgs.Entry) async throws(ControlError) -> RoutingResult {
        let rules = rules.current
        let result = rules.route(event, now: time.wall())
        do {
            return try await entry.completeNow(event, result, rules)
        } catch {
            throw ControlError(.failed, "routing was broken off.")
        }
    }

    func decoded(
        _ event: ConsumerEvent, topic: String, receivedAt: Int64, _ entry: ReplayOrgs.Entry
    ) async throws(ControlError) -> Result<[Event], UnreadableEvent> {
        do {
            return try await EventReader(entry, time: time).decode(event, topic: topic, receivedAt: receivedAt)
        } catch {
            throw ControlError(.failed, "decoding was broken off.")
        }
    }
}

extension RoutingResult {
    /// Why more of it may be due than it has; nil when it is final.
    var whyUnfinished: String? {
        wants.isEmpty ? deferred.first?.reason : "its org has not signed in, so that nothing can be read for it"
    }
}

extension Array {
    /// Nil if there are several.
    fileprivate func only(where isWanted: (Element) -> Bool) -> Element? {
        let found = filter(isWanted)
        return found.count == 1 ? found[0] : nil
    }
}
