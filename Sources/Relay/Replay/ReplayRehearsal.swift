import Events
import PubSub
import Rules
import Store

/// What a replay from the journal would do: everything but sending.
struct ReplayRehearsal: Sendable {
    /// Events after which it has seen enough.
    static let maximumEvents = 100_000
    static let rowsPerRead = 50

    let store: Store
    let orgs: ReplayOrgs
    let rules: RuleSet
    let time: TimeSource

    func run(_ plan: ReplayPlan) async throws(ControlError) -> ReplayDryRun {
        var result = ReplayDryRun(statements: plan.statements)
        let limit = min(plan.limit ?? Self.maximumEvents, Self.maximumEvents)
        for topic in plan.topics {
            switch topic.source {
            case .journal: try await read(topic, plan, limit: limit, into: &result)
            case .sent: try await count(topic, plan, limit: limit, into: &result)
            case .salesforce:
                throw ControlError(
                    .failed,
                    "a dry run reads the journal, and that does not hold all of \(topic.topic). Fetching it from "
                        + "Salesforce only to count would use up the org's delivery allocation: use --source journal for "
                        + "what is there, or a replay with --limit.")
            }
        }
        result.isCapped = result.events >= Self.maximumEvents
        return result
    }

    /// Requests that were kept, as they would be sent again.
    private func count(
        _ topic: ReplayPlan.Topic, _ plan: ReplayPlan, limit: Int, into result: inout ReplayDryRun
    ) async throws(ControlError) {
        let store = store
        let org = try await entry(of: topic).org.id
        let routing = ReplayRouting(replay: "rp00000000", plan: plan, topic: topic)
        var after = topic.firstRow - 1
        while result.events < limit {
            let from = after
            let found = try await stored { () async throws(StoreError) in
                try await store.sent(
                    of: topic.topic, org: org, after: from, through: topic.lastRow, limit: Self.rowsPerRead)
            }
            guard let last = found.last else { return }
            after = last.id
            for (_, sent) in found where routing.includes(sent.delivery.origin.time) && plan.wants(sent.delivery) {
                guard result.events < limit else { return }
                result.add(
                    ReplayRouting.Piece(events: 1, deliveries: [sent.delivery], lastTime: sent.delivery.origin.time))
            }
        }
    }

    private func entry(of topic: ReplayPlan.Topic) async throws(ControlError) -> ReplayOrgs.Entry {
        let orgs = orgs
        let known = try await stored { () async throws(StoreError) in try await orgs.entry(topic.org) }
        guard let known else { throw ControlError(.failed, "no cursor of the org \(topic.org) is stored.") }
        return known
    }

    private func read(
        _ topic: ReplayPlan.Topic, _ plan: ReplayPlan, limit: Int, into result: inout ReplayDryRun
    ) async throws(ControlError) {
        let (store, key) = (store, topic.liveKey)
        let entry = try await entry(of: topic)
        let reader = EventReader(entry, time: time)
        let routing = ReplayRouting(replay: "rp00000000", plan: plan, topic: topic, complete: entry.complete)
        var seen = RecentEvents()
        var after = topic.firstRow - 1
        while true {
            let from = after
            let rows = try await stored { () async throws(StoreError) in
                try await store.journal(of: key, after: from, through: topic.lastRow, limit: Self.rowsPerRead)
            }
            guard let last = rows.last else { return }
            after = last.id
            for row in rows {
                guard let response = try? FetchResponse(decoding: row.entry.raw) else { continue }
                let offset = row.id == topic.firstRow ? topic.eventOffset : 0
                for event in row.events(of: response, from: offset) where seen.insert(event.replayID) {
                    guard result.events < limit else { return }
                    var piece = ReplayRouting.Piece()
                    try await route(event, row, reader, routing, &piece)
                    result.add(piece)
                    if routing.isBehind(piece.lastTime ?? .min) { return }
                }
            }
        }
    }

    private func route(
        _ event: ConsumerEvent, _ row: JournalRow, _ reader: EventReader, _ routing: ReplayRouting,
        _ piece: inout ReplayRouting.Piece
    ) async throws(ControlError) {
        do {
            switch try await reader.decode(event, topic: routing.topic.topic, receivedAt: row.entry.receivedAt) {
            case .success(let events): try await routing.route(events, by: rules, now: time.wall(), into: &piece)
            case .failure: piece.undecodable += 1
            }
        } catch {
            throw ControlError(.failed, "the dry run was broken off.")
        }
    }
}

/// What a replay would do.
package struct ReplayDryRun: Sendable, Codable {
    package struct Count: Sendable, Codable {
        package var rule: String
        package var destination: String
        package var deliveries: Int
    }

    package var events = 0
    package var undecodable = 0
    /// Deliveries that could not be rendered.
    package var failures = 0
    /// By rule and destination.
    package var deliveries: [Count] = []
    /// Commit times of the first and the last event.
    package var firstTime: ControlTime?
    package var lastTime: ControlTime?
    /// It stopped counting before the end.
    package var isCapped = false
    package var statements: [String]

    init(statements: [String]) { self.statements = statements }

    mutating func add(_ piece: ReplayRouting.Piece) {
        undecodable += piece.undecodable
        guard piece.events > 0 else { return }
        events += piece.events
        failures += piece.failures
        if let time = piece.lastTime {
            // Topics are read one after another, and each from its beginning.
            firstTime = ControlTime(min(time, firstTime?.milliseconds ?? time))
            lastTime = ControlTime(max(time, lastTime?.milliseconds ?? time))
        }
        for delivery in piece.deliveries { count(delivery.rule, delivery.destination) }
    }

    private mutating func count(_ rule: String, _ destination: String) {
        if let index = deliveries.firstIndex(where: { $0.rule == rule && $0.destination == destination }) {
            deliveries[index].deliveries += 1
        } else {
            deliveries.append(Count(rule: rule, destination: destination, deliveries: 1))
        }
    }
}
