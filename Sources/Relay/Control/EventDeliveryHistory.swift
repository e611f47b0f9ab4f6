import Events
import Rules
import Store

/// What is known about the deliveries of one event, from three places.
struct DeliveryHistory {
    private let pending: [String: StoredDelivery]
    private let dead: [String: DeadLetter]
    private let recent: [String: [RecentDeliveries.Attempt]]
    private let isRemembering: Bool
    private let written: [RecentDeliveries.Attempt]
    private let shown: (String) -> BodyDisplay

    /// - Parameters:
    ///   - isRemembering: whether `recent` is the memory of a running relay.
    ///   - written: attempts whose deliveries have been written since, if they wait.
    ///   - shown: how much a rule lets be seen of its requests, and of answers that say them back.
    init(
        pending: [StoredDelivery], dead: [DeadLetter], recent: [RecentDeliveries.Attempt], isRemembering: Bool,
        written: [RecentDeliveries.Attempt] = [],
        shown: @escaping (String) -> BodyDisplay
    ) {
        self.shown = shown
        self.pending = Dictionary(pending.map { ($0.delivery.id, $0) }, uniquingKeysWith: { first, _ in first })
        self.dead = Dictionary(dead.map { ($0.delivery.id, $0) }, uniquingKeysWith: { first, _ in first })
        self.recent = Dictionary(grouping: recent, by: \.id)
        self.isRemembering = isRemembering
        self.written = written
    }

    var isEmpty: Bool { pending.isEmpty && dead.isEmpty && recent.isEmpty }

    /// Of all deliveries, in a fixed order.
    var ids: [String] { Set(pending.keys).union(dead.keys).union(recent.keys).sorted() }

    /// A delivery that the rules of now make of the event.
    func value(_ delivery: Delivery) -> Value {
        value(delivery.id, rule: delivery.rule, destination: delivery.destination, target: delivery.target)
    }

    /// A delivery that only earlier rules made.
    func value(_ id: String) -> Value {
        let delivery = pending[id]?.delivery ?? dead[id]?.delivery
        let attempt = recent[id]?.last
        return value(
            id, rule: delivery?.rule ?? attempt?.rule ?? "",
            destination: delivery?.destination ?? attempt?.destination ?? "", target: delivery?.target)
    }

    private func value(_ id: String, rule: String, destination: String, target: DeliveryTarget?) -> Value {
        let (state, detail) = state(id)
        var fields: Fields = [
            "id": .string(id), "rule": .string(rule), "destination": .string(destination),
            "target": target.map { .string($0.inWords) } ?? .null, "state": .string(state), "detail": .string(detail),
        ]
        if let next = pending[id]?.progress.nextAttemptAt { fields.append("nextTry", .timestamp(next)) }
        fields.append("attempts", .list(attempts(id)))
        return .record(fields)
    }

    private func state(_ id: String) -> (state: String, detail: String) {
        if let letter = dead[id] { return ("dead", letter.detail) }
        let last = recent[id]?.last
        if last?.outcome == .delivered { return ("delivered", "") }
        if pending[id] != nil { return ("pending", "") }
        if let last {
            guard last == written.last(where: { $0.id == id }) else { return ("pending", "") }
            if last.outcome == .nothing { return ("not_due", last.reason) }
            return ("dropped", "nothing waits: its rule says so (onError: drop), or an operator dropped it")
        }
        return (
            "done",
            isRemembering
                ? "nothing waits: it was acknowledged longer ago than the relay remembers, or dropped as its rule says, "
                    + "or the rule is newer than the event"
                : "nothing waits: it was acknowledged, or dropped as its rule says, or the rule is newer than the event"
        )
    }

    private func attempts(_ id: String) -> [Value] {
        let stored = hidden(id, dead[id]?.history ?? pending[id]?.progress.history ?? [])
        let remembered = recent[id] ?? []
        let numbers = Set(stored.map(\.number))
        let all = stored.map(value) + remembered.filter { !numbers.contains($0.number) }.map(value)
        // What an operator did has the number 0.
        return all.sorted { ($0.at, $0.number) < ($1.at, $1.number) }.map(\.value)
    }

    private func hidden(_ id: String, _ attempts: [AttemptRecord]) -> [AttemptRecord] {
        guard let delivery = dead[id]?.delivery ?? pending[id]?.delivery, shown(delivery.rule) != .full else { return attempts }
        let mask = EchoMask(delivery.body, attempts)
        return attempts.map { attempt in
            var attempt = attempt
            attempt.excerpt = mask.masked(attempt.excerpt)
            return attempt
        }
    }

    private func value(_ attempt: AttemptRecord) -> (number: Int, at: Int64, value: Value) {
        (
            attempt.number, attempt.at,
            .record([
                "number": .int(Int64(attempt.number)), "at": .timestamp(attempt.at),
                "status": attempt.status.map { .int(Int64($0)) } ?? .null, "reason": .string(attempt.reason),
                "excerpt": .string(attempt.excerpt), "possibleDuplicate": .bool(attempt.possibleDuplicate),
            ])
        )
    }

    private func value(_ attempt: RecentDeliveries.Attempt) -> (number: Int, at: Int64, value: Value) {
        (
            attempt.number, attempt.at,
            .record([
                "number": .int(Int64(attempt.number)), "at": .timestamp(attempt.at),
                "status": attempt.status.map { .int(Int64($0)) } ?? .null, "reason": .string(attempt.reason),
                "milliseconds": .int(attempt.milliseconds),
            ])
        )
    }
}
