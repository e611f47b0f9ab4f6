import Events
import Logging
import Rules

/// Of a rule, by its ID.
typealias RuleLabels = @Sendable (_ rule: String) -> [RuleLabel]

/// Says each trouble once, not once for each delivery.
struct RouteLog {
    /// Between two lines about single failures of a destination.
    private static let quietMilliseconds: Int64 = 60_000

    private var quietUntil: Int64 = 0
    private var pauseQuietUntil: Int64 = 0
    private var deaths: (count: Int, delivery: Delivery, detail: String)?
    private var deathsQuietUntil: Int64 = 0

    mutating func failed(
        _ name: String, _ delivery: Delivery, _ note: AttemptNote, wait: Int64, now: Moment, labels: RuleLabels,
        logger: Logger
    ) {
        guard now.uptime >= quietUntil else { return }
        quietUntil = now.uptime + Self.quietMilliseconds
        logger.warning(
            """
            delivery to \(name) failed: \(note.words); tried again in \(Self.span(wait)), nothing is lost
            """,
            metadata: Self.metadata(delivery, labels))
    }

    /// A lane that stands is news, and stays it until somebody mends what it says.
    mutating func paused(_ name: String, _ delivery: Delivery, _ note: AttemptNote, now: Moment, logger: Logger) {
        guard now.uptime >= pauseQuietUntil else { return }
        pauseQuietUntil = now.uptime + Self.quietMilliseconds
        logger.error(
            """
            lane \(delivery.lane) of \(name) stands, as rule \(delivery.rule) says (onError: pause): \(note.words); \
            what comes after waits in order, nothing is lost
            """)
    }

    mutating func died(_ delivery: Delivery, _ detail: String) { deaths = ((deaths?.count ?? 0) + 1, delivery, detail) }

    /// With each commit, the first at once, then once a minute: a receiver that refuses everything is one line.
    mutating func report(_ name: String, now: Moment, labels: RuleLabels, logger: Logger) {
        guard let deaths, now.uptime >= deathsQuietUntil else { return }
        deathsQuietUntil = now.uptime + Self.quietMilliseconds
        sayDeaths(deaths, name, labels, logger)
    }

    /// What was not said yet.
    mutating func end(_ name: String, labels: RuleLabels, logger: Logger) {
        if let deaths { sayDeaths(deaths, name, labels, logger) }
    }

    /// Of several the last stands for all.
    private mutating func sayDeaths(
        _ deaths: (count: Int, delivery: Delivery, detail: String), _ name: String, _ labels: RuleLabels,
        _ logger: Logger
    ) {
        self.deaths = nil
        let count = deaths.count == 1 ? "1 delivery" : "\(deaths.count) deliveries"
        logger.error(
            "\(count) to \(name) put to the dead letters: \(deaths.detail); see `sluice dlq list`",
            metadata: Self.metadata(deaths.delivery, labels))
    }

    /// What leads from a line to its event, and to who minds the rule.
    private static func metadata(_ delivery: Delivery, _ labels: RuleLabels) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "delivery": "\(delivery.id)", "rule": "\(delivery.rule)", "recordId": "\(delivery.origin.recordID)",
            "topic": "\(delivery.origin.topic)", "replayId": "\(delivery.origin.replayID)",
        ]
        for label in labels(delivery.rule) { metadata[label.name] = "\(label.value)" }
        return metadata
    }

    func changed(_ name: String, _ change: HoldChange, now: Moment, logger: Logger) {
        switch change {
        case .held(let target, let reason, let until, let cause, let isNews, let isAlarm):
            let what = target.map { "\(name) (\($0))" } ?? name
            // The trouble is said once, and what follows from it no louder; `status` tells every next try.
            let isKnown = cause == .unreachable && now.uptime < quietUntil
            let level: Logger.Level = !isNews ? .debug : isAlarm ? .critical : isKnown ? .notice : .warning
            logger.log(
                level: level,
                """
                \(what) is \(isAlarm ? "disabled" : "held"): \(reason.withoutFullStop); its deliveries are kept in order, \
                next try in \(Self.span(until - now.uptime))
                """)
        case .released(let target):
            logger.notice("\(target.map { "\(name) (\($0))" } ?? name) answers again; deliveries go on")
        }
    }

    private static func span(_ milliseconds: Int64) -> String {
        switch milliseconds {
        case ..<10_000: "\(Double(max(milliseconds, 100) / 100) / 10) s"
        case ..<300_000: "\(milliseconds / 1000) s"
        case ..<7_200_000: "\(milliseconds / 60_000) min"
        default: "\(milliseconds / 3_600_000) h"
        }
    }
}

extension AttemptNote {
    /// `503: the service is unavailable`
    var words: String { status.map { "\($0): \(reason)" } ?? reason }
}
