import Events
import Store

/// Looks up what a request means: which topics, from which event on, from where, and what to say about it.
struct ReplayPlanner: Sendable {
    /// How long Salesforce keeps events, in milliseconds.
    static let retention: Int64 = 72 * 3_600_000
    /// The journal is ordered by when events were received, by our clock; they were committed before that, by
    /// Salesforce's. This much the clocks may differ.
    static let clockSlack: Int64 = 300_000

    let store: Store
    /// Of the rule set in force.
    let knownRules: [String]
    let knownDestinations: [String]
    let now: Int64

    func plan(_ request: ReplayRequest) async throws(ControlError) -> ReplayPlan {
        try check(request)
        var plan = ReplayPlan(
            topics: [], rules: request.rules, destinations: request.destinations, limit: request.limit,
            rate: request.rate, statements: [])
        let keys = try await keys(request)
        if case .replayID = request.start, keys.count > 1 {
            throw ControlError(
                .badInput, "a replay ID belongs to one topic, and there are \(keys.count): say which (--topic).")
        }
        for key in keys {
            guard var topic = try await topic(key, request, &plan.statements) else { continue }
            topic.until = request.until
            try await sayGaps(topic, &plan.statements)
            plan.topics.append(topic)
        }
        guard !plan.topics.isEmpty else {
            let why = plan.statements.joined(separator: " ")
            throw ControlError(.failed, "there is nothing to replay. \(why)")
        }
        return plan
    }

    private func check(_ request: ReplayRequest) throws(ControlError) {
        for rule in request.rules where !knownRules.contains(rule) && !request.isAsRendered {
            throw ControlError(.badInput, "no rule has the id '\(rule)'; there is \(Self.listed(knownRules)).")
        }
        for name in request.destinations where !knownDestinations.contains(name) {
            throw ControlError(
                .badInput, "no rule file names a destination '\(name)'; there is \(Self.listed(knownDestinations)).")
        }
        if let limit = request.limit, limit < 1 { throw ControlError(.badInput, "--limit must be at least 1.") }
        if let rate = request.rate, !(0.01...100_000).contains(rate) {
            throw ControlError(.badInput, "--rate must be between 0.01/s and 100000/s.")
        }
        if case .time(let since) = request.start {
            guard since < now else { throw ControlError(.badInput, "the replay would start in the future.") }
            if let until = request.until, until <= since {
                throw ControlError(.badInput, "the replay would end before it starts.")
            }
        }
    }

    private static func listed(_ names: [String]) -> String {
        let shown = names.sorted().prefix(20).joined(separator: ", ")
        return names.isEmpty ? "none at all" : names.count > 20 ? "\(shown) and more" : shown
    }

    // MARK: Topics

    private func keys(_ request: ReplayRequest) async throws(ControlError) -> [Cursor.Key] {
        let known = try await knownTopics()
        let ofOrg = known.filter { request.org == nil || $0.org == request.org }
        if let org = request.org, ofOrg.isEmpty {
            throw ControlError(.badInput, "nothing was ever relayed of an org '\(org)'.")
        }
        guard !request.topics.isEmpty else { return ofOrg }
        var keys: [Cursor.Key] = []
        for name in request.topics {
            let found = ofOrg.filter { TopicName.means(name, $0.topic) }
            guard !found.isEmpty else {
                let names = ofOrg.map(\.topic).joined(separator: ", ")
                throw ControlError(.badInput, "nothing was ever relayed of a topic '\(name)'. Known are: \(names).")
            }
            keys += found.filter { !keys.contains($0) }
        }
        return keys
    }

    private func knownTopics() async throws(ControlError) -> [Cursor.Key] {
        let store = store
        let cursors = try await stored { () async throws(StoreError) in try await store.cursors().map(\.key) }
        let journal = try await stored { () async throws(StoreError) in try await store.journalTopics() }
        let keys = Set(cursors).union(journal).sorted { ($0.org, $0.topic) < ($1.org, $1.topic) }
        guard keys.isEmpty else { return keys }
        throw ControlError(.failed, "nothing was relayed yet, so there is nothing to replay.")
    }

    /// Nil if there is nothing of it to replay; the statements say why.
    private func topic(
        _ key: Cursor.Key, _ request: ReplayRequest, _ statements: inout [String]
    ) async throws(ControlError) -> ReplayPlan.Topic? {
        if request.isAsRendered { return try await sentTopic(key, request, &statements) }
        let search = JournalSearch(store: store, key: key)
        let span = try await stored { () async throws(StoreError) in try await store.journalSpan(of: key) }
        let start = try await search.start(request.start, span)
        // Not from the earliest event on, as for a start without an ID.
        if case .cursor = request.start, start.replayID == nil {
            statements.append("\(key.topic): \(start.missing).")
            return nil
        }
        let covers = start.isComplete(now: now)
        switch request.source ?? (covers ? .journal : .salesforce) {
        case .journal:
            guard let span, let place = start.place else {
                statements.append("\(key.topic): \(start.missing).")
                return nil
            }
            if !covers { statements.append(begins(key, span)) }
            return try await journalTopic(key, place, span, request)
        case .salesforce: return try await salesforceTopic(key, start, request, &statements)
        }
    }

    private func begins(_ key: Cursor.Key, _ span: JournalSpan) -> String {
        "\(key.topic): the journal begins with what was received at \(Timestamp.rfc3339(span.firstReceivedAt)); what "
            + "came before is not in it."
    }

    private func journalTopic(
        _ key: Cursor.Key, _ place: JournalPlace, _ span: JournalSpan, _ request: ReplayRequest
    ) async throws(ControlError) -> ReplayPlan.Topic {
        var topic = ReplayPlan.Topic(org: key.org, topic: key.topic, source: .journal)
        topic.firstRow = place.row
        topic.eventOffset = place.offset
        topic.lastRow = span.lastRow
        if case .time(let since) = request.start { topic.since = since }
        let store = store
        let events = try await stored { () async throws(StoreError) in
            guard let until = request.until else {
                return try await store.journalSpan(of: key, after: place.row - 1, through: span.lastRow)?.events ?? 0
            }
            return try await store.journalEvents(of: key, from: place.row, through: span.lastRow, before: until)
        }
        topic.expectedEvents = min(max(0, events - place.offset), request.limit ?? .max)
        return topic
    }

    private func salesforceTopic(
        _ key: Cursor.Key, _ start: JournalSearch.Start, _ request: ReplayRequest, _ statements: inout [String]
    ) async throws(ControlError) -> ReplayPlan.Topic {
        var topic = ReplayPlan.Topic(org: key.org, topic: key.topic, source: .salesforce)
        let store = store
        let cursor = try await stored { () async throws(StoreError) in try await store.cursor(key) }
        topic.last = cursor?.replayID.description
        topic.after = start.replayID?.description
        // The cursor's time is Salesforce's; this machine's clock may be behind it.
        topic.stopTime = [request.until, cursor?.commitTime, now].compactMap(\.self).max()! + ReplayRouting.disorder
        if case .time(let since) = request.start { topic.since = since }
        var text = "\(key.topic): asked of Salesforce"
        text += start.replayID == nil ? " from its earliest event on" : " after the given event"
        if topic.since != nil { text += ", passing over what was committed earlier (it cannot seek by time)" }
        statements.append(
            text + "; every event that it sends, and that is passed over too, counts against the org's delivery allocation.")
        if let since = topic.since, since < now - Self.retention {
            statements.append(
                "\(key.topic): Salesforce keeps events for 72 hours only, so those committed before "
                    + "\(Timestamp.rfc3339(now - Self.retention)) do not come.")
        }
        return topic
    }

    private func sentTopic(
        _ key: Cursor.Key, _ request: ReplayRequest, _ statements: inout [String]
    ) async throws(ControlError) -> ReplayPlan.Topic? {
        let store = store
        let span = try await stored { () async throws(StoreError) in try await store.sentSpan() }
        guard let span else {
            throw ControlError(
                .failed,
                "no acknowledged request is kept, so none can be sent again as it was: by default Sluice forgets a "
                    + "body once its receiver has it. `store: {sent: {keep: 24h, size: 256MB}}` keeps them from now on. "
                    + "Without --resend today's rules render anew; dead letters are sent again by `sluice dlq retry`.")
        }
        guard case .time(let since) = request.start else {
            throw ControlError(.badInput, "--resend needs a time to start from: --since or --from.")
        }
        var topic = ReplayPlan.Topic(org: key.org, topic: key.topic, source: .sent)
        topic.since = since
        topic.lastRow = try await stored { () async throws(StoreError) in try await store.lastSent() }
        topic.firstRow = 1
        if since < span.since {
            statements.append(
                "\(key.topic): requests are kept since \(Timestamp.rfc3339(span.since)); earlier ones are not sent again.")
        }
        return topic
    }

    /// What the journal cannot have because it was never received.
    private func sayGaps(_ topic: ReplayPlan.Topic, _ statements: inout [String]) async throws(ControlError) {
        guard topic.source == .journal else { return }
        let store = store
        let key = topic.liveKey
        let gaps = try await stored { () async throws(StoreError) in
            try await store.statements(of: key, kind: LossStatement.gap, limit: 20)
        }
        for gap in gaps.reversed() where gap.at >= topic.since ?? .min {
            statements.append("\(topic.topic): the journal has a possible gap: \(gap.text).")
        }
    }
}

/// Answers of the store as answers of a route.
func stored<Answer>(_ body: () async throws(StoreError) -> Answer) async throws(ControlError) -> Answer {
    do throws(StoreError) {
        return try await body()
    } catch {
        throw ControlError(.environment, "\(error)")
    }
}
