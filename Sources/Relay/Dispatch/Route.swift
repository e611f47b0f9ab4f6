import Logging

/// A destination inside the outbox: its queues and what is known about it. Belongs to the outbox's actor.
final class Route {
    let name: String
    /// Nil while no rule file names the destination.
    private(set) var destination: DispatchDestination?
    let lanes: LaneQueue
    let claims: ClaimQueue
    var counters = DispatchCounters()
    /// In memory and in the store.
    var pending = 0
    /// The collector is being fed.
    var isFeeding = false
    var log = RouteLog()

    init(name: String, limits: DispatchLimits, storedLanes: Int, storedClaims: Int) {
        self.name = name
        lanes = LaneQueue(limits: limits, storedBeyond: storedLanes > 0)
        claims = ClaimQueue(limits: limits, storedBeyond: storedClaims > 0)
        pending = storedLanes + storedClaims
    }

    func open(_ destination: DispatchDestination?, now: Moment) {
        self.destination = destination
        lanes.open(concurrency: destination?.concurrency ?? 0, now: now)
        if destination?.collector == nil { claims.close() } else { claims.open() }
    }

    func offer(_ entry: OutboxEntry, now: Moment) {
        pending += 1
        if entry.delivery.isGathered { claims.offer(entry) } else { lanes.offer(entry, now: now) }
    }

    func committed(_ now: Moment) {
        lanes.committed(now)
        claims.committed()
    }

    var wantsReads: Bool { lanes.wantsReads || claims.wantsReads }

    func status(now: Moment) -> DispatchStatus.Destination {
        DispatchStatus.Destination(
            name: name, pending: pending, inFlight: lanes.inFlight, blockedLanes: lanes.blockedLanes,
            hold: hold(now: now), isMissing: destination == nil, delivered: counters.delivered,
            failedAttempts: counters.failedAttempts, deadLetters: counters.deadLetters, dropped: counters.dropped)
    }

    /// Of several, that of the whole destination, or else the first by name.
    private func hold(now: Moment) -> DispatchStatus.Hold? {
        let group = lanes.heldGroups.min { $0.key < $1.key }
        let hold = lanes.hold.isFree ? group?.hold : lanes.hold
        guard let hold else { return nil }
        return DispatchStatus.Hold(
            target: lanes.hold.isFree ? group?.key : nil, reason: hold.reason, since: hold.since,
            nextTry: hold.until.map { now.wall + max(0, $0 - now.uptime) })
    }
}

/// Says each trouble once, not once for each delivery.
struct RouteLog {
    /// Between two lines about single failures of a destination.
    private static let quietMilliseconds: Int64 = 60_000

    private var quietUntil: Int64 = 0
    private var deaths: (count: Int, example: String)?

    mutating func failed(_ name: String, _ note: AttemptNote, wait: Int64, now: Moment, logger: Logger) {
        guard now.uptime >= quietUntil else { return }
        quietUntil = now.uptime + Self.quietMilliseconds
        logger.warning(
            "delivery to \(name) failed: \(note.words); tried again in \(Self.seconds(wait)), nothing is lost")
    }

    mutating func died(_ detail: String) { deaths = ((deaths?.count ?? 0) + 1, deaths?.example ?? detail) }

    /// With each commit, so that a thousand dead letters are one line.
    mutating func report(_ name: String, logger: Logger) {
        guard let deaths else { return }
        self.deaths = nil
        let count = deaths.count == 1 ? "1 delivery" : "\(deaths.count) deliveries"
        logger.error("\(count) to \(name) put to the dead letters: \(deaths.example)")
    }

    func changed(_ name: String, _ change: HoldChange, now: Moment, logger: Logger) {
        switch change {
        case .held(let target, let reason, let until, let isFirst):
            let what = target.map { "\(name) (\($0))" } ?? name
            logger.log(
                level: isFirst ? .warning : .info,
                """
                \(what) is held: \(reason); its deliveries are kept in order, next try in \
                \(Self.seconds(until - now.uptime))
                """)
        case .released(let target):
            logger.notice("\(target.map { "\(name) (\($0))" } ?? name) answers again; deliveries go on")
        }
    }

    private static func seconds(_ milliseconds: Int64) -> String {
        milliseconds < 10_000 ? "\(Double(milliseconds / 100) / 10) s" : "\(milliseconds / 1000) s"
    }
}

extension AttemptNote {
    /// `503: the service is unavailable`
    var words: String { status.map { "\($0): \(reason)" } ?? reason }
}
