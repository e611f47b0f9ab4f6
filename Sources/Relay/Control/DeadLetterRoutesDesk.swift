import Documents
import Events
import Rules
import Store

/// What the routes of dead letters do, with and without a daemon.
struct DeadLetterDesk: Sendable {
    /// Lines of a list that has no limit of its own.
    static let listed = 100
    /// Deliveries given to the outbox in one go.
    static let page = 500

    let store: Store
    /// Nil while no daemon runs.
    let outbox: Outbox?
    let orgs: ReplayOrgs
    let rules: CurrentRules
    let version: String
    let time: TimeSource

    var renderer: EventRenderer { EventRenderer(store: store, orgs: orgs, rules: rules, time: time) }

    // MARK: Looking

    func list(_ filter: DeadLetterFilter) async throws(ControlError) -> DeadLetterList {
        let (store, filter) = (store, try await checked(filter))
        var limited = filter
        limited.limit = filter.limit ?? Self.listed
        let asked = limited
        let names = try await orgNames()
        let list = try await stored { () async throws(StoreError) in
            DeadLetterList(
                letters: try await store.deadLetters(asked, newestFirst: true).map { DeadLetterLine($0, names) },
                count: try await store.deadLetterCount(filter), quarantined: try await store.quarantineCount())
        }
        try await checkIDs(filter)
        if list.count == 0 { try await checkNames(filter) }
        return list
    }

    func show(_ question: DeadLetterQuestion) async throws(ControlError) -> DeadLetterDetail {
        let stored = try await letter(question.id)
        let delivery = stored.letter.delivery
        // A rule that cannot be had, or is gone or renamed, may have said anything.
        let allowed = rules.current.shownBodies(of: delivery.rule) ?? .redacted
        let display = question.body.limited(by: allowed)
        // Many receivers say back what they got.
        let mask = display == .full ? nil : EchoMask(delivery.body, stored.letter.history)
        return DeadLetterDetail(
            line: DeadLetterLine(stored, try await orgNames()), orgId: delivery.origin.orgID, change: delivery.origin.change,
            target: allowed == .full ? delivery.target : delivery.target.withoutEvent,
            request: await request(stored.letter, showsEvent: allowed == .full), body: display.text(delivery.body),
            isLimited: display != question.body, history: stored.letter.history.map { record in
                var attempt = DeadLetterAttempt(record)
                if let mask { attempt.excerpt = mask.masked(attempt.excerpt) }
                return attempt
            })
    }

    private func request(_ letter: DeadLetter, showsEvent: Bool) async -> RequestPreview? {
        guard letter.delivery.unrenderedReason == nil,
            let destination = rules.current.destinations[letter.delivery.destination]
        else { return nil }
        let time = letter.history.last { $0.number > 0 }?.at ?? letter.diedAt
        return await RequestPreview.make(
            letter.delivery, to: destination, version: version, time: time, showsEvent: showsEvent)
    }

    func listQuarantine(_ filter: DeadLetterFilter) async throws(ControlError) -> QuarantineList {
        let (store, filter) = (store, try await checkedQuarantine(filter))
        var limited = filter
        limited.limit = filter.limit ?? Self.listed
        let asked = limited
        let list = try await stored { () async throws(StoreError) in
            let lines = try await store.quarantine(asked, newestFirst: true).map(QuarantineLine.init)
            return QuarantineList(
                events: lines, count: try await store.quarantineCount(filter),
                bytes: try await store.quarantineSize().bytes, maximumCount: store.limits.quarantineCount,
                maximumBytes: store.limits.quarantineBytes)
        }
        if list.count == 0 { try await checkTopic(filter) }
        return list
    }

    func showQuarantine(_ question: DeadLetterQuestion) async throws(ControlError) -> QuarantineDetail {
        let (store, filter) = (store, DeadLetterFilter(ids: [question.id]))
        let row = try await stored { () async throws(StoreError) in
            try await store.quarantine(filter, newestFirst: true).first
        }
        guard let row else {
            throw ControlError(
                .badInput, "there is no event of number '\(question.id)' in quarantine. `sluice dlq list --quarantine` shows them.")
        }
        let schema = try await stored { () async throws(StoreError) in try await store.schema(row.event.schemaID) }
        // A payload cannot be redacted. Rules that cannot be had may say anything.
        let rules = rules.current
        let isLimited = rules.ruleIDs.isEmpty || rules.ruleIDs.contains { rules.shownBodies(of: $0) != .full }
        let isShown = question.body == .full && !isLimited
        return QuarantineDetail(
            line: QuarantineLine(row), schema: schema, payloadHex: isShown ? Hex.encode(row.event.payload) : nil,
            isLimited: question.body == .full && isLimited)
    }

    /// By its ID, or the beginning of it.
    func letter(_ id: String) async throws(ControlError) -> StoredDeadLetter {
        let store = store
        var filter = try await checked(DeadLetterFilter(ids: [id]))
        filter.limit = 2
        let asked = filter
        let found = try await stored { () async throws(StoreError) in
            try await store.deadLetters(asked, newestFirst: true)
        }
        guard let letter = found.first(where: { $0.letter.delivery.id == id }) ?? found.first else {
            throw ControlError(.badInput, "there is no dead letter '\(id)'. `sluice dlq list` shows them.")
        }
        guard found.count == 1 || letter.letter.delivery.id == id else {
            throw ControlError(.badInput, "'\(id)' begins the IDs of several dead letters: say more of it.")
        }
        return letter
    }

    /// - Returns: it as the store understands it, which knows dead letters by an org's ID and quarantined events by its alias.
    func checked(
        _ filter: DeadLetterFilter, isQuarantine: Bool = false
    ) async throws(ControlError) -> DeadLetterFilter {
        guard filter.ids.count <= DeadLetterFilter.maximumIDs else {
            throw ControlError(.badInput, "at most \(DeadLetterFilter.maximumIDs) IDs can be named at once.")
        }
        // The beginning of every ID is not one of them.
        if let id = filter.ids.first(where: { Delivery.idPrefix.hasPrefix($0) }) {
            throw ControlError(
                .badInput, "'\(id)' is the beginning of every ID. Say more of it.")
        }
        if let limit = filter.limit, limit < 1 { throw ControlError(.badInput, "--limit must be at least 1.") }
        if let reason = filter.reason, DeadLetter.Reason(rawValue: reason) == nil {
            let hint = Suggestion.hint(for: reason, in: DeadLetter.Reason.allCases.map(\.rawValue)).map { " (\($0))" } ?? ""
            throw ControlError(
                .badInput, "'\(reason)' is not a reason\(hint): a dead letter is \(DeadLetter.Reason.words).")
        }
        guard let org = filter.org else { return filter }
        var filter = filter
        let named = try await namedOrg(org)
        filter.org = isQuarantine ? named.alias : named.id
        return filter
    }

    // MARK: Changing

    func edit(_ edit: DeadLetterEdit) async throws(ControlError) -> DeadLetterOutcome {
        let letter = try await letter(edit.id)
        let id = letter.letter.delivery.id
        try check(edit.body, replaces: letter.letter)
        let (store, now) = (store, time.wall())
        let before = letter.letter.delivery.body.count
        let words = "body replaced by an operator: \(before) bytes before, \(edit.body.count) now"
        let isEdited = try await stored { () async throws(StoreError) in
            try await store.editDeadLetter(id, body: edit.body, mark: .mark(words, at: now))
        }
        guard isEdited else { throw ControlError(.failed, "\(id) is being sent again at this moment.") }
        guard edit.resends else { return DeadLetterOutcome(count: 1) }
        return try await retry(DeadLetterRetry(DeadLetterFilter(ids: [id])))
    }

    private func check(_ body: [UInt8], replaces letter: DeadLetter) throws(ControlError) {
        switch letter.delivery.target {
        case .run: throw ControlError(.badInput, "this is a claim on a flow run, which has no body to replace.")
        case .batch:
            throw ControlError(
                .badInput,
                "this is an event that was gathered for a batch, whose request is not built yet: mend its rule, then retry it.")
        case .webhook, .flow, .listener: break
        }
        guard letter.reason != .rendering else {
            throw ControlError(
                .badInput,
                "this delivery was never rendered, so that there is no request to edit: mend its rule, then retry it.")
        }
        guard body.count <= Self.maximumBodyBytes else {
            throw ControlError(.badInput, "the new body has \(body.count) bytes, more than \(Self.maximumBodyBytes).")
        }
        guard (try? JSONReader.parse(letter.delivery.body)) != nil else { return }
        do throws(JSONError) {
            _ = try JSONReader.parse(body)
        } catch {
            throw ControlError(.badInput, "the body was JSON, and the new one is not: \(error).")
        }
    }

    /// As of rendered bodies.
    static let maximumBodyBytes = 1 << 20

    func drop(_ filter: DeadLetterFilter) async throws(ControlError) -> DeadLetterOutcome {
        let (store, filter) = (store, try await checked(filter))
        try await checkIDs(filter)
        let count = try await stored { () async throws(StoreError) in try await store.dropDeadLetters(filter) }
        if count == 0 { try await checkNames(filter) }
        outbox?.logger.notice("an operator dropped dead letters: \(count)")
        return DeadLetterOutcome(count: count)
    }

    func dropQuarantine(_ filter: DeadLetterFilter) async throws(ControlError) -> DeadLetterOutcome {
        let (store, filter) = (store, try await checkedQuarantine(filter))
        let count = try await stored { () async throws(StoreError) in try await store.dropQuarantine(filter) }
        if count == 0 { try await checkTopic(filter) }
        outbox?.logger.notice("an operator dropped quarantined events: \(count)")
        return DeadLetterOutcome(count: count)
    }
}
