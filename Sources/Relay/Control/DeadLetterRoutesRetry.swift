import Events
import PubSub
import Rules
import Store

/// Sending again. What is sent goes to the end of its lane, in the order in which it died first.
extension DeadLetterDesk {
    func retry(_ request: DeadLetterRetry) async throws(ControlError) -> DeadLetterOutcome {
        var filter = try checked(request.filter)
        var outcome = DeadLetterOutcome(waitsForRelay: outbox == nil)
        var left = filter.limit ?? .max
        // What comes to the dead letters from now on is not meant: a receiver that refuses would go round for ever.
        filter.before = min(filter.before ?? .max, time.wall() + 1)
        var after: Int64 = 0
        while left > 0 {
            filter.limit = min(left, Self.page)
            let (store, asked, from) = (store, filter, after)
            let page = try await stored { () async throws(StoreError) in
                try await store.deadLetters(asked, newestFirst: false, after: from)
            }
            guard let last = page.last else { break }
            after = last.ordinal
            // Those that are under way already were not asked for now.
            left -= page.count { !$0.isResending }
            try await retry(page, rendersAnew: request.rendersAnew, &outcome)
        }
        if after == 0 { try await checkNames(filter) }
        return outcome
    }

    private func retry(
        _ page: [StoredDeadLetter], rendersAnew: Bool, _ outcome: inout DeadLetterOutcome
    ) async throws(ControlError) {
        var ready: [StoredDeadLetter] = []
        for stored in page where !stored.isResending {
            guard rendersAnew || stored.letter.reason == .rendering else {
                let name = stored.letter.delivery.destination
                let known = rules.current.destinations
                guard known.isEmpty || known[name] != nil else {
                    outcome.skip(stored.letter.delivery.id, noDestination(name, rule: stored.letter.delivery.rule))
                    continue
                }
                var again = stored
                again.letter.delivery.target = stored.letter.delivery.target.redriven()
                ready.append(again)
                continue
            }
            // Those before it in its lane must not fall behind it.
            switch try await rendered(stored.letter) {
            case .ready(let delivery):
                var again = stored
                again.letter.delivery = delivery
                again.letter.delivery.target = delivery.target.redriven(after: stored.letter.delivery.target)
                ready.append(again)
            case .nothing: outcome.skip(stored.letter.delivery.id, Self.notMade)
            case .later(let why), .failed(let why): outcome.skip(stored.letter.delivery.id, why)
            }
        }
        let count = try await resend(ready)
        outcome.count += count
        outcome.deliveries += count
    }

    /// - Returns: how many were sent; others are being sent already.
    private func resend(_ letters: [StoredDeadLetter]) async throws(ControlError) -> Int {
        guard !letters.isEmpty else { return 0 }
        let (store, now) = (store, time.wall())
        guard let outbox else {
            return try await stored { () async throws(StoreError) in try await store.requeue(letters, wall: now) }
        }
        let token = Self.token()
        let ids = letters.map(\.letter.delivery.id)
        let marked = try await stored { () async throws(StoreError) in
            try await store.markResending(deadLetters: ids, token: token)
        }
        let deliveries = letters.map(\.letter.delivery).filter { marked.contains($0.id) }
        try await hand(RoutedBatch(cursor: cursor(token), deliveries: deliveries), token, to: outbox)
        return deliveries.count
    }

    /// Its delivery's request could not be built when it came; today's rules may do better, if its event is still
    /// known.
    func rendered(_ letter: DeadLetter) async throws(ControlError) -> Rendering {
        let delivery = letter.delivery
        let origin = delivery.origin
        let store = store
        let kept = try await stored { () async throws(StoreError) in
            try await store.keptEvent(orgID: origin.orgID, topic: origin.topic, replayID: origin.replayID)
        }
        if let kept, let again = try await rendered(delivery, kept.source, org: kept.org, receivedAt: kept.receivedAt) {
            return again
        }
        let keys = try await stored { () async throws(StoreError) in try await store.journalTopics() }
        for key in keys where key.topic == origin.topic {
            let cursor = try await stored { () async throws(StoreError) in try await store.cursor(key) }
            // Replay IDs are counted in each org: another one's event may have the same.
            guard cursor?.orgID ?? origin.orgID == origin.orgID else { continue }
            let search = JournalSearch(store: store, key: key)
            guard let found = try await search.find(origin.replayID, committedAt: origin.time) else { continue }
            let source = found.events[found.index]
            let receivedAt = found.row.entry.receivedAt
            if let again = try await rendered(delivery, source, org: key.org, receivedAt: receivedAt) { return again }
        }
        return .failed("its event is not in the journal any more; `sluice replay --source salesforce` may still get it")
    }

    /// - Returns: nil if it is not this event's delivery.
    private func rendered(
        _ delivery: Delivery, _ source: ConsumerEvent, org: String, receivedAt: Int64
    ) async throws(ControlError) -> Rendering? {
        let origin = delivery.origin
        switch try await decoded(source, org: org, topic: origin.topic, receivedAt: receivedAt) {
        case .success(let events):
            let mine = events.filter { $0.org.id == origin.orgID && $0.recordID == origin.recordID }
            return mine.isEmpty ? nil : try await again(delivery, mine, org: org)
        case .failure(let why): return .failed(why.reason)
        }
    }

    private func noDestination(_ name: String, rule: String) -> String {
        let problem = "no rule file names its destination '\(name)'"
        guard rules.current.ruleIDs.contains(rule) else {
            return "\(problem), and its rule '\(rule)' is gone as well: bring back the destination, or drop it"
        }
        return "\(problem): with --render it goes where today's rules send it"
    }

    static let notMade = "today's rules make no such delivery of its event; drop it if that is right"

    private func again(
        _ delivery: Delivery, _ events: [Event], org: String
    ) async throws(ControlError) -> Rendering {
        guard rules.current.ruleIDs.contains(delivery.rule) else {
            return .failed("today's rules have no rule '\(delivery.rule)'")
        }
        let replay = ReplayedDelivery.replay(ofDelivery: delivery.id)
        var why: Rendering = .nothing
        for event in events {
            var event = event
            event.replay = replay
            let result = try await routed(event, org: org)
            func isIt(_ id: String) -> Bool {
                replay.map { ReplayedDelivery.id(id, of: $0) } ?? id == delivery.id
            }
            // What is read of a record has the ID of the state that was read, which is another one by now.
            func wasRead(_ rule: String, _ destination: String) -> Bool {
                event.isGapOfRecord && rule == delivery.rule && destination == delivery.destination
            }
            let found = result.deliveries.first { isIt($0.id) }
                ?? result.deliveries.only { wasRead($0.rule, $0.destination) }
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

    // MARK: Quarantine

    func retryQuarantine(_ filter: DeadLetterFilter) async throws(ControlError) -> DeadLetterOutcome {
        var filter = try checkedQuarantine(filter)
        guard let outbox else {
            throw ControlError(
                .environment, "quarantined events are decoded again by a running relay: start it (`sluice run`) first.")
        }
        var outcome = DeadLetterOutcome()
        var left = filter.limit ?? .max
        filter.before = min(filter.before ?? .max, time.wall() + 1)
        var after: Int64 = 0
        while left > 0 {
            filter.limit = min(left, Self.page)
            let (store, asked, from) = (store, filter, after)
            let page = try await stored { () async throws(StoreError) in
                try await store.quarantine(asked, newestFirst: false, after: from)
            }
            guard let last = page.last else { break }
            after = last.id
            left -= page.count { !$0.isResending }
            for row in page where !row.isResending { try await retry(row, outbox, &outcome) }
        }
        return outcome
    }

    private func retry(
        _ row: StoredQuarantinedEvent, _ outbox: Outbox, _ outcome: inout DeadLetterOutcome
    ) async throws(ControlError) {
        let event = row.event
        let consumer = ConsumerEvent(
            id: event.eventID, schemaID: event.schemaID, replayID: event.replayID, payload: event.payload)
        let store = store
        switch try await decoded(consumer, org: event.org, topic: event.topic, receivedAt: event.at) {
        case .failure(let why):
            outcome.skip(String(row.id), why.reason)
            try await stored { () async throws(StoreError) in
                try await store.setQuarantineReason(why.reason, of: row.id)
            }
        case .success(let events):
            var results: [RoutingResult] = []
            for event in events { results.append(try await routed(event, org: row.event.org)) }
            if let why = results.lazy.compactMap(\.whyUnfinished).first { return outcome.skip(String(row.id), why) }
            let token = Self.token()
            let marked = try await stored { () async throws(StoreError) in
                try await store.markResending(quarantine: [row.id], token: token)
            }
            guard !marked.isEmpty else { return }
            let batch = batch(results, of: events, consumer, org: event.org, token)
            try await hand(batch, token, to: outbox)
            outcome.count += 1
            outcome.deliveries += batch.deliveries.count
        }
    }

    /// As if they had just come: these events were never delivered, so their deliveries have the usual IDs.
    private func batch(
        _ results: [RoutingResult], of events: [Event], _ source: ConsumerEvent, org: String, _ token: String
    ) -> RoutedBatch {
        var batch = RoutedBatch(cursor: cursor(token))
        for (event, result) in zip(events, results) {
            batch.deliveries += result.deliveries
            let letters = result.failures.compactMap { $0.deadLetter(at: time.wall()) }
            batch.deadLetters += letters
            if !letters.isEmpty { batch.kept.append(KeptEvent(source, of: event, org: org)) }
        }
        return batch
    }

    /// By today's rules.
    private func routed(_ event: Event, org: String) async throws(ControlError) -> RoutingResult {
        let orgs = orgs
        let known = try await stored { () async throws(StoreError) in try await orgs.entry(org) }
        let rules = rules.current
        let result = rules.route(event, now: time.wall())
        do {
            return try await known?.completeNow(event, result, rules) ?? result
        } catch {
            throw ControlError(.failed, "routing was broken off.")
        }
    }

    private func decoded(
        _ event: ConsumerEvent, org: String, topic: String, receivedAt: Int64
    ) async throws(ControlError) -> Result<[Event], UnreadableEvent> {
        let orgs = orgs
        let known = try await stored { () async throws(StoreError) in try await orgs.entry(org) }
        guard let entry = known else { return .failure(UnreadableEvent(reason: "nothing is known of the org \(org)")) }
        do {
            return try await EventReader(entry, time: time).decode(event, topic: topic, receivedAt: receivedAt)
        } catch {
            throw ControlError(.failed, "decoding was broken off.")
        }
    }

    // MARK: To the outbox

    /// The commit that holds the deliveries, or accounts for them, takes what `token` marks out of its table.
    private func hand(_ batch: RoutedBatch, _ token: String, to outbox: Outbox) async throws(ControlError) {
        do {
            try await outbox.accept(batch)
        } catch is OutboxStopped {
            let store = store
            try await stored { () async throws(StoreError) in try await store.unmarkResending(token: token) }
            throw ControlError(.failed, "the relay is stopping; nothing more was sent again.")
        } catch {
            // It is taken all the same; only nobody waits for room any more.
        }
    }

    private func cursor(_ token: String) -> Cursor {
        Cursor(
            key: Cursor.Key(org: "", topic: "", scope: .resend(token)), orgID: "", instanceURL: "",
            replayID: ReplayID([0])!, commitTime: nil, updatedAt: time.wall())
    }

    private static func token() -> String { Hex.encode((0..<8).map { _ in UInt8.random(in: .min ... .max) }) }
}

extension RoutingResult {
    /// Why more of it may be due than it has; nil when it is final.
    fileprivate var whyUnfinished: String? {
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
