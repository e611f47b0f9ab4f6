import Events
import PubSub
import Rules
import Store

/// Sending again. What is sent goes to the end of its lane, in the order in which it died first.
extension DeadLetterDesk {
    func retry(_ request: DeadLetterRetry) async throws(ControlError) -> DeadLetterOutcome {
        var filter = try await checked(request.filter)
        try await checkIDs(filter)
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
        outbox?.logger.notice("an operator sent dead letters again: \(outcome.count)")
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
            switch try await renderer.rendered(stored.letter.delivery) {
            case .ready(let delivery):
                var again = stored
                again.letter.delivery = delivery
                again.letter.delivery.target = delivery.target.redriven(after: stored.letter.delivery.target)
                ready.append(again)
            case .nothing: outcome.skip(stored.letter.delivery.id, Self.notMade)
            case .later(let why), .failed(let why): outcome.skip(stored.letter.delivery.id, why)
            }
        }
        let count = try await resend(await notWaiting(ready, &outcome))
        outcome.count += count
        outcome.deliveries += count
    }

    /// Without those whose event came again: what waits has their ID, and would go out in place of what was edited.
    private func notWaiting(
        _ letters: [StoredDeadLetter], _ outcome: inout DeadLetterOutcome
    ) async throws(ControlError) -> [StoredDeadLetter] {
        guard !letters.isEmpty else { return [] }
        await outbox?.flushIfPossible()
        let store = store
        let waiting = try await stored { () async throws(StoreError) in
            try await store.waitingOtherwise(letters.map(\.letter.delivery))
        }
        for letter in letters where waiting.contains(letter.letter.delivery.id) {
            outcome.skip(letter.letter.delivery.id, Self.waitsOtherwise)
        }
        return letters.filter { !waiting.contains($0.letter.delivery.id) }
    }

    static let waitsOtherwise =
        "its event came again, and a delivery of the same ID with another body waits: once that is delivered, retry this "
        + "one or drop it"

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

    private func noDestination(_ name: String, rule: String) -> String {
        let problem = "no rule file names its destination '\(name)'"
        guard rules.current.ruleIDs.contains(rule) else {
            return "\(problem), and its rule '\(rule)' is gone as well: bring back the destination, or drop it"
        }
        return "\(problem): with --render it goes where today's rules send it"
    }

    static let notMade = "today's rules make no such delivery of its event; drop it if that is right"

    // MARK: Quarantine

    func retryQuarantine(_ filter: DeadLetterFilter) async throws(ControlError) -> DeadLetterOutcome {
        var filter = try await checkedQuarantine(filter)
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
        if after == 0 { try await checkTopic(filter) }
        return outcome
    }

    private func retry(
        _ row: StoredQuarantinedEvent, _ outbox: Outbox, _ outcome: inout DeadLetterOutcome
    ) async throws(ControlError) {
        let event = row.event
        let consumer = ConsumerEvent(
            id: event.eventID, schemaID: event.schemaID, replayID: event.replayID, payload: event.payload)
        let store = store
        let orgs = orgs
        guard let entry = try await stored({ () async throws(StoreError) in try await orgs.entry(event.org) }) else {
            return outcome.skip(String(row.id), "nothing is known of the org \(event.org)")
        }
        switch try await renderer.decoded(consumer, topic: event.topic, receivedAt: event.at, entry) {
        case .failure(let why):
            outcome.skip(String(row.id), why.reason)
            try await stored { () async throws(StoreError) in
                try await store.setQuarantineReason(why.reason, of: row.id)
            }
        case .success(let events):
            var results: [RoutingResult] = []
            for event in events { results.append(try await renderer.routed(event, entry)) }
            if let why = results.lazy.compactMap(\.whyUnfinished).first { return outcome.skip(String(row.id), why) }
            let token = Self.token()
            let marked = try await stored { () async throws(StoreError) in
                try await store.markResending(quarantine: [row.id], token: token)
            }
            guard !marked.isEmpty else { return }
            let batch = batch(results, of: events, consumer, token)
            try await hand(batch, token, to: outbox)
            outcome.count += 1
            outcome.deliveries += batch.deliveries.count
        }
    }

    /// As if they had just come: these events were never delivered, so their deliveries have the usual IDs.
    private func batch(
        _ results: [RoutingResult], of events: [Event], _ source: ConsumerEvent, _ token: String
    ) -> RoutedBatch {
        var batch = RoutedBatch(cursor: cursor(token))
        for (event, result) in zip(events, results) {
            batch.deliveries += result.deliveries
            let letters = result.failures.compactMap { $0.deadLetter(at: time.wall()) }
            batch.deadLetters += letters
            if !letters.isEmpty { batch.keep(source, of: event) }
        }
        return batch
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
