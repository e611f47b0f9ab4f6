import Events
import Rules
import Store

/// What today's rules make of events that are replayed, within the replay's span and for whom it was asked.
struct ReplayRouting: Sendable {
    let replay: String
    let plan: ReplayPlan
    let topic: ReplayPlan.Topic
    var complete: ReplayOrgs.Completion = { _, result, _ in result }

    /// Events in the span, deliveries and dead letters of one piece.
    struct Piece: Sendable {
        var events = 0
        var deliveries: [Delivery] = []
        var deadLetters: [DeadLetter] = []
        /// Events of dead letters.
        var kept: [KeptEvent] = []
        var failures = 0
        var undecodable = 0
        /// Of the last event, in the span or not.
        var lastTime: Int64?
        /// By rule, for a dry run: every event that a rule took, with or without deliveries.
        var matched: [String: Int] = [:]
    }

    /// Whether its commit time is within the span. What was committed after the request is the live stream's, however
    /// late the replay comes to it: one that failed may be resumed days later.
    func includes(_ time: Int64) -> Bool {
        time >= topic.since ?? .min && time < min(topic.until ?? .max, topic.stopTime ?? .max)
    }

    /// Nothing of the span can follow: within a topic, commit times are not strictly in the order of the stream, but
    /// nearly.
    func isBehind(_ time: Int64) -> Bool {
        time >= topic.stopTime ?? .max || time >= (topic.until ?? .max - Self.disorder) + Self.disorder
    }

    /// How far commit times may be out of order.
    static let disorder: Int64 = 60_000

    /// - Throws: `CancellationError`, or `ReplayFailure`.
    func route(_ events: [Event], by rules: RuleSet, now: Int64, into piece: inout Piece) async throws {
        guard let time = events.first?.streamTime else { return }
        piece.lastTime = time
        guard includes(time) else { return }
        piece.events += 1
        for event in events { try await route(event, by: rules, now, &piece) }
    }

    private func route(_ event: Event, by rules: RuleSet, _ now: Int64, _ piece: inout Piece) async throws {
        var event = event
        event.replay = replay
        let result = try await complete(event, rules.route(event, now: now), rules)
        for delivery in result.deliveries where plan.wants(delivery) { piece.deliveries.append(marked(delivery)) }
        for failure in result.failures where plan.wants(rule: failure.rule, destination: failure.destination) {
            piece.failures += 1
            guard var letter = failure.deadLetter(at: now) else { continue }
            letter.delivery = marked(letter.delivery)
            piece.deadLetters.append(letter)
        }
        for outcome in result.outcomes where outcome.kind == .matched { piece.matched[outcome.rule, default: 0] += 1 }
    }

    func marked(_ delivery: Delivery) -> Delivery {
        var delivery = delivery
        delivery.id = ReplayedDelivery.id(delivery.id, of: replay)
        return delivery
    }
}
