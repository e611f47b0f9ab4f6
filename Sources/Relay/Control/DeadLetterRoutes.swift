import Events
import Rules
import Store

/// Questions about dead letters and quarantined events: `dlq.list`, `dlq.show`, `dlq.retry`, `dlq.edit`, `dlq.drop`,
/// and with `quarantine.` in place of `dlq.` for events that could not be decoded (`list`, `show`, `retry`, `drop`).
package enum DeadLetterRoutes {
    /// - Parameters:
    ///   - outbox: nil while no daemon runs; dead letters then go back to the outbox in the store, for the next one.
    ///   - orgs: for what has to be decoded and rendered again.
    ///   - version: of Sluice, as its requests name it.
    package static func make(
        store: Store, outbox: Outbox?, orgs: ReplayOrgs, rules: CurrentRules, version: String, time: TimeSource = .system
    ) -> [ControlRoute] {
        let desk = DeadLetterDesk(store: store, outbox: outbox, orgs: orgs, rules: rules, version: version, time: time)
        return [
            ControlRoute("dlq.list") { (request: DeadLetterFilter) async throws(ControlError) in
                try await desk.list(request)
            },
            ControlRoute("dlq.show") { (request: DeadLetterQuestion) async throws(ControlError) in
                try await desk.show(request)
            },
            ControlRoute("dlq.retry", isChange: true) { (request: DeadLetterRetry) async throws(ControlError) in
                try await desk.retry(request)
            },
            ControlRoute("dlq.edit", isChange: true) { (request: DeadLetterEdit) async throws(ControlError) in
                try await desk.edit(request)
            },
            ControlRoute("dlq.drop", isChange: true) { (request: DeadLetterFilter) async throws(ControlError) in
                try await desk.drop(request)
            },
            ControlRoute("quarantine.list") { (request: DeadLetterFilter) async throws(ControlError) in
                try await desk.listQuarantine(request)
            },
            ControlRoute("quarantine.show") { (request: DeadLetterQuestion) async throws(ControlError) in
                try await desk.showQuarantine(request)
            },
            ControlRoute("quarantine.retry", isChange: true) { (request: DeadLetterFilter) async throws(ControlError) in
                try await desk.retryQuarantine(request)
            },
            ControlRoute("quarantine.drop", isChange: true) { (request: DeadLetterFilter) async throws(ControlError) in
                try await desk.dropQuarantine(request)
            },
        ]
    }
}

/// One of `dlq list`. Names of fields are those of the JSON.
package struct DeadLetterLine: Sendable, Codable {
    package var id: String
    package var reason: String
    package var detail: String
    package var rule: String
    package var destination: String
    package var lane: String
    /// Its alias; the ID of one that has no alias any more.
    @Later package var org = ""
    package var topic: String
    package var replayId: String
    package var entity: String
    package var recordId: String
    package var attempts: Int
    /// Status of the last answer.
    package var status: Int?
    package var bodyBytes: Int
    /// Of the event's commit, and of the death.
    package var time: ControlTime
    package var diedAt: ControlTime
    package var isResending: Bool

    /// - Parameter orgs: aliases by ID.
    init(_ stored: StoredDeadLetter, _ orgs: [String: String]) {
        let letter = stored.letter
        let delivery = letter.delivery
        id = delivery.id
        reason = letter.reason.rawValue
        detail = letter.detail
        rule = delivery.rule
        destination = delivery.destination
        lane = delivery.lane
        org = orgs[delivery.origin.orgID] ?? delivery.origin.orgID
        topic = delivery.origin.topic
        replayId = "\(delivery.origin.replayID)"
        entity = delivery.origin.entity
        recordId = delivery.origin.recordID
        attempts = letter.attempts
        status = letter.history.last { $0.number > 0 }?.status
        bodyBytes = delivery.body.count
        time = ControlTime(delivery.origin.time)
        diedAt = ControlTime(letter.diedAt)
        isResending = stored.isResending
    }
}

package struct DeadLetterList: Sendable, Codable {
    package var letters: [DeadLetterLine]
    /// How many the filter matches, whatever its limit.
    package var count: Int
    /// Beside them.
    package var quarantined: Int
}

/// What `dlq retry` asks. The filter's fields stand beside the other one, as they did when there was only the filter.
package struct DeadLetterRetry: Sendable, Codable {
    package var filter: DeadLetterFilter
    /// Requests are built anew by today's rules: all of them, and not only those that never were.
    package var rendersAnew: Bool

    private enum CodingKeys: String, CodingKey { case rendersAnew }

    package init(_ filter: DeadLetterFilter, rendersAnew: Bool = false) {
        self.filter = filter
        self.rendersAnew = rendersAnew
    }

    package init(from decoder: any Decoder) throws {
        filter = try DeadLetterFilter(from: decoder)
        rendersAnew = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Bool.self, forKey: .rendersAnew) ?? false
    }

    package func encode(to encoder: any Encoder) throws {
        try filter.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(rendersAnew, forKey: .rendersAnew)
    }
}

/// What `dlq show` asks.
package struct DeadLetterQuestion: Sendable, Codable {
    /// Or its beginning.
    package var id: String
    package var body: BodyDisplay

    package init(id: String, body: BodyDisplay) {
        self.id = id
        self.body = body
    }
}

/// The whole of one.
package struct DeadLetterDetail: Sendable, Codable {
    package var line: DeadLetterLine
    package var orgId: String
    package var change: String
    package var target: DeliveryTarget
    /// Beside its body: as the destination is today. Nil for what is no request by itself, and where its destination is
    /// not among today's rules.
    package var request: RequestPreview?
    /// As `BodyDisplay` says; nil if it is not shown.
    package var body: String?
    /// Less of the body is shown than was asked for, as its rule says.
    package var isLimited: Bool
    package var history: [DeadLetterAttempt]
}

/// One attempt, or, with number 0, what an operator did in between.
package struct DeadLetterAttempt: Sendable, Codable {
    package var number: Int
    package var at: ControlTime
    package var status: Int?
    package var reason: String
    /// Headers of the answer that explain it.
    package var headers: [String]
    /// The start of the answer.
    package var excerpt: String
    package var possibleDuplicate: Bool

    init(_ record: AttemptRecord) {
        number = record.number
        at = ControlTime(record.at)
        status = record.status
        reason = record.reason
        headers = record.headers ?? []
        excerpt = record.excerpt
        possibleDuplicate = record.possibleDuplicate
    }
}

package struct DeadLetterEdit: Sendable, Codable {
    /// The whole ID.
    package var id: String
    package var body: [UInt8]
    /// Send it again at once.
    package var resends: Bool

    package init(id: String, body: [UInt8], resends: Bool) {
        self.id = id
        self.body = body
        self.resends = resends
    }
}

/// What became of a request to send again, or to drop.
package struct DeadLetterOutcome: Sendable, Codable {
    package struct Skipped: Sendable, Codable {
        package var id: String
        package var reason: String
    }

    /// How many were sent again, or dropped.
    package var count = 0
    /// Deliveries that came of it; several for one quarantined event.
    package var deliveries = 0
    /// The first of them; all others in `skippedCount`.
    package var skipped: [Skipped] = []
    package var skippedCount = 0
    /// They are sent as soon as a relay runs.
    package var waitsForRelay = false

    package init(count: Int = 0, waitsForRelay: Bool = false) {
        self.count = count
        self.waitsForRelay = waitsForRelay
    }

    static let maximumSkipped = 50

    mutating func skip(_ id: String, _ reason: String) {
        skippedCount += 1
        if skipped.count < Self.maximumSkipped { skipped.append(Skipped(id: id, reason: reason)) }
    }
}

/// One of `dlq list --quarantine`.
package struct QuarantineLine: Sendable, Codable {
    package var id: Int64
    package var org: String
    package var topic: String
    package var replayId: String
    package var schemaId: String
    package var eventId: String
    package var payloadBytes: Int
    package var reason: String
    package var at: ControlTime

    init(_ row: StoredQuarantinedEvent) {
        id = row.id
        org = row.event.org
        topic = row.event.topic
        replayId = row.event.replayID.description
        schemaId = row.event.schemaID
        eventId = row.event.eventID
        payloadBytes = row.event.payload.count
        reason = row.event.reason
        at = ControlTime(row.event.at)
    }
}

/// One of them, whole. With schema and payload it is a line for `sluice decode`.
package struct QuarantineDetail: Sendable, Codable {
    package var line: QuarantineLine
    /// Avro JSON; nil if the store does not have it.
    package var schema: String?
    /// Nil if it is not shown.
    package var payloadHex: String?
    /// Some rule says that less than all of its events may be shown, and before it is decoded nobody knows of which rule
    /// this one is.
    package var isLimited: Bool
}

package struct QuarantineList: Sendable, Codable {
    package var events: [QuarantineLine]
    package var count: Int
    /// Of all, with the limits beyond which a topic is parked.
    package var bytes: Int64
    package var maximumCount: Int
    package var maximumBytes: Int64
}
