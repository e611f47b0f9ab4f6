import ChangeEvents
import Events
import FoundationEssentials
import PubSub
import Rules
import Store

/// `event.show`: what became of one event.
package struct EventRequest: Codable, Sendable {
    /// Base64, as every output shows it, or hex; or the ID of one of its deliveries.
    package var replayID: String
    /// For who takes the event through rules and shows what they allow: the record as it is, whatever rules say (bodies).
    @Later package var isWhole = false

    package init(replayID: String, isWhole: Bool = false) {
        self.replayID = replayID
        self.isWhole = isWhole
    }

    /// What the text can mean: some hex text is base64 as well.
    package var meanings: [ReplayID] {
        [Hex.decode(replayID).flatMap(ReplayID.init), ReplayID(base64: replayID)].compactMap { $0 }
    }
}

/// Follows one event from its arrival to the answers it got: journal, rules, outbox, dead letters, and what the running
/// relay remembers of its last attempts.
package struct EventRoutes: Sendable {
    private let store: Store
    private let rules: @Sendable () async -> RuleSet?
    private let recent: RecentDeliveries?
    private let write: (@Sendable () async -> Bool)?
    private let time: TimeSource

    /// - Parameters:
    ///   - rules: in force now; nil leaves them out of the answer.
    ///   - recent: nil when no relay runs in this process.
    ///   - write: has everything written that was taken and is not in the store yet: an event can be seen to pass
    ///     before its commit. Returns whether it is. Nil when no relay runs in this process.
    package static func make(
        store: Store, rules: @escaping @Sendable () async -> RuleSet?, recent: RecentDeliveries? = nil,
        write: (@Sendable () async -> Bool)? = nil, time: TimeSource = .system
    ) -> [ControlRoute] {
        let routes = EventRoutes(store: store, rules: rules, recent: recent, write: write, time: time)
        return [
            ControlRoute("event.show") { request throws(ControlError) in
                guard let request = try? JSONDecoder().decode(EventRequest.self, from: Data(request)) else {
                    throw ControlError(.badInput, "event.show: the request is not what this version of sluice expects")
                }
                _ = await write?()
                for id in try await request.meanings + routes.event(ofDelivery: request.replayID) {
                    if let answer = try await routes.show(id, isWhole: request.isWhole) { return answer }
                }
                throw routes.unknown(request)
            }
        ]
    }

    private func event(ofDelivery id: String) async throws(ControlError) -> [ReplayID] {
        // What begins every ID is none.
        guard id.hasPrefix(Delivery.idPrefix), id != Delivery.idPrefix else { return [] }
        let known: [ReplayID]
        do throws(StoreError) {
            known = try await store.replayIDs(ofDelivery: id)
        } catch {
            throw ControlError(.environment, "\(error)")
        }
        let found = Set(known).union(recent?.replayIDs(ofDelivery: id) ?? [])
        guard found.count <= 1 else {
            throw ControlError(.badInput, "'\(id)' begins the IDs of deliveries of several events: say more of it.")
        }
        return Array(found)
    }

    private func unknown(_ request: EventRequest) -> ControlError {
        let text = request.replayID
        if text.hasPrefix(Delivery.idPrefix) {
            return ControlError(
                .badInput,
                "nothing is known of a delivery \(text): it is not among those that wait, the dead letters, or the "
                    + "last attempts. By its event's replay ID there may be more.")
        }
        guard !request.meanings.isEmpty else {
            return ControlError(
                .badInput,
                "\(text) is no replay ID, which is base64 (as `sluice tap` shows it) or hex, and no delivery's ID")
        }
        return ControlError(
            .badInput,
            "nothing is known of an event \(text): it is not in the journal (which keeps the last days only), and no "
                + "delivery of it waits or is among the dead letters")
    }

    /// Nil if nothing is known.
    private func show(_ id: ReplayID, isWhole: Bool) async throws(ControlError) -> [UInt8]? {
        let found: Found?
        let history: DeliveryHistory
        let rules = await rules()
        let attempted = recent?.attempts(of: id) ?? []
        let isWritten = await write?() ?? true
        do throws(StoreError) {
            found = try await find(id)
            history = DeliveryHistory(
                pending: try await store.pending(of: id), dead: try await store.deadLetters(of: id),
                recent: recent?.attempts(of: id) ?? [], isRemembering: recent != nil,
                // What has been tried since then is perhaps not written.
                written: isWritten ? attempted : [],
                // A rule that cannot be had, or is gone or renamed, may have said anything.
                shown: { rules?.shownBodies(of: $0) ?? .redacted })
        } catch {
            throw ControlError(.environment, "\(error)")
        }
        var events: Result<Decoded, EventProblem>?
        if let found { events = try await self.events(of: found) }
        guard found != nil || !history.isEmpty else { return nil }
        return TapLines.bytes(answer(id, found, events, history, View(rules: rules, isWhole: isWhole)))
    }

    private struct View {
        /// Those of now.
        let rules: RuleSet?
        let isWhole: Bool

        func value(_ event: Event) -> Value {
            let display = isWhole ? .full : rules?.shownRecord(of: event) ?? .redacted
            return display.limited(RecordedEvent(event).value)
        }
    }

    private func answer(
        _ id: ReplayID, _ found: Found?, _ events: Result<Decoded, EventProblem>?, _ history: DeliveryHistory,
        _ view: View
    ) -> Value {
        var fields: Fields = ["replayId": .string("\(id)")]
        if let found {
            fields.append("org", .string(found.org))
            fields.append("topic", .string(found.topic))
            fields.append("receivedAt", .timestamp(found.receivedAt))
            // What Salesforce's support asks for.
            if !found.rpcID.isEmpty { fields.append("rpcId", .string(found.rpcID)) }
        }
        var shown: Set<String> = []
        switch events {
        case .success(let decoded)?:
            if let bitmaps = decoded.bitmaps { fields.append("bitmaps", .record(bitmaps)) }
            fields.append("events", .list(decoded.events.map { value($0, view, history, &shown) }))
        case .failure(let problem)?: fields.append("problem", .string(problem.text))
        case nil: fields.append("problem", .string("it is not in the journal any more"))
        }
        // Of a replay: what the rules of now make as well, under the replay's own ID.
        let replayed = history.ids.filter { !shown.contains($0) && shown.contains(ReplayedDelivery.liveID($0)) }
        if !replayed.isEmpty { fields.append("replayedDeliveries", .list(replayed.map(history.value))) }
        let others = history.ids.filter { !shown.contains(ReplayedDelivery.liveID($0)) }
        if !others.isEmpty { fields.append("otherDeliveries", .list(others.map(history.value))) }
        return .record(fields)
    }

    private func value(
        _ event: Event, _ view: View, _ history: DeliveryHistory, _ shown: inout Set<String>
    ) -> Value {
        var fields: Fields = ["event": view.value(event)]
        guard let rules = view.rules else { return .record(fields) }
        let result = rules.route(event, now: time.wall())
        fields.append("rules", .list(result.outcomes.map { Self.value($0, rules.labels(of: $0.rule)) }))
        // What a rule has read is read when the event comes, not to show it.
        if !result.wants.isEmpty { fields.append("reads", .bool(true)) }
        if !result.failures.isEmpty {
            fields.append("failures", .list(result.failures.map { .string($0.description) }))
        }
        fields.append(
            "deliveries",
            .list(
                result.deliveries.map { delivery in
                    shown.insert(delivery.id)
                    return history.value(delivery)
                }))
        if !result.shadows.isEmpty {
            fields.append(
                "shadows",
                .list(
                    result.shadows.map { delivery in
                        .record([
                            "rule": .string(delivery.rule), "destination": .string(delivery.destination),
                            "target": .string(delivery.target.inWords),
                        ])
                    }))
        }
        return .record(fields)
    }

    private static func value(_ outcome: RuleOutcome, _ labels: [RuleLabel]) -> Value {
        let value = TapLines.value(outcome)
        guard !labels.isEmpty, case .record(var fields) = value else { return value }
        fields.append("labels", .record(Fields(labels.map { .init(name: $0.name, value: .string($0.value)) })))
        return .record(fields)
    }

    // MARK: Decoding

    private struct Decoded {
        var events: [Event]
        /// The header's field lists as they came.
        var bitmaps: Fields?
    }

    /// An event as it came, and where it is known from.
    private struct Found {
        var source: ConsumerEvent
        /// The operator's name of the org.
        var org: String
        /// Nil where only its name is stored.
        var orgID: String?
        var topic: String
        var receivedAt: Int64
        /// Of its response; empty if that is not known.
        var rpcID: String
    }

    /// In the journal; or, where that has pruned it, with what has no request yet.
    private func find(_ id: ReplayID) async throws(StoreError) -> Found? {
        if let row = try await store.journalEntry(holding: id, where: { Self.find(id, in: $0) != nil }) {
            return Self.find(id, in: row)
        }
        guard let kept = try await store.keptEvents(id).first else { return nil }
        let cursor = try await store.cursors().first { $0.orgID == kept.orgID }
        return Found(
            source: kept.source, org: cursor?.key.org ?? kept.orgID, orgID: kept.orgID, topic: kept.topic,
            receivedAt: kept.receivedAt, rpcID: "")
    }

    private static func find(_ id: ReplayID, in entry: JournalEntry) -> Found? {
        guard let response = try? FetchResponse(decoding: entry.raw),
            let source = response.events.first(where: { $0.replayID == id })
        else { return nil }
        return Found(
            source: source, org: entry.org, topic: entry.topic, receivedAt: entry.receivedAt, rpcID: response.rpcID)
    }

    private func events(of found: Found) async throws(ControlError) -> Result<Decoded, EventProblem> {
        let event = found.source
        let json: String?
        let cursor: Cursor?
        do throws(StoreError) {
            json = try await store.schema(event.schemaID)
            cursor = try await store.cursor(Cursor.Key(org: found.org, topic: found.topic))
        } catch {
            throw ControlError(.environment, "\(error)")
        }
        guard let json, let schema = try? EventSchema(json: json, id: event.schemaID) else {
            return .failure(EventProblem(text: "its schema \(event.schemaID) is not in the store"))
        }
        let url = cursor?.instanceURL ?? ""
        let org = Org(
            id: found.orgID ?? cursor?.orgID ?? "", alias: found.org, instanceURL: url, isSandbox: url.contains(".sandbox."))
        do throws(UndecodableEvent) {
            let events = try EventDecoder(org: org).decode(
                event, schema: schema, topic: found.topic, receivedAt: found.receivedAt)
            return .success(Decoded(events: events, bitmaps: schema.bitmaps(of: event.payload)))
        } catch {
            return .failure(EventProblem(text: "it was put to quarantine: \(error)"))
        }
    }
}

/// Why an event can be found and not be shown.
private struct EventProblem: Error {
    let text: String
}
