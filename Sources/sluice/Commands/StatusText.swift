import Events
import Relay

/// A status for people.
struct StatusText {
    /// Rules shown in text; `--json` has them all.
    static let maximumRules = 40

    private let report: StatusReport
    private let columns: Int?
    private var now: Int64 { report.at }

    /// - Parameter columns: of the terminal, so that tables do not wrap; nil elsewhere.
    init(_ report: StatusReport, columns: Int?) {
        self.report = report
        self.columns = columns
    }

    var text: String {
        var parts = [relayText + rulesText, topicText, destinationText]
        if !report.ruleCounts.isEmpty { parts.append(ruleText) }
        if !report.replays.isEmpty { parts.append(replayText) }
        if !report.backfills.isEmpty { parts.append(backfillText) }
        if !report.reading.isEmpty { parts.append(readingText) }
        if report.quarantined > 0 { parts.append("Quarantined events that could not be decoded: \(report.quarantined)\n") }
        if !report.statements.isEmpty { parts.append(statementText) }
        return parts.joined(separator: "\n")
    }

    // MARK: Relay

    private var relayText: String {
        guard let relay = report.relay else {
            return "No relay is running; this is how the last one left it.\n"
        }
        guard report.isLive else { return "Relay: \(relay)\n" }
        var text = "Relay: \(relay), up \(report.startedAt.map { Self.span(now - $0) } ?? "-")\n"
        if let end = report.stopsBy {
            let attempts = report.destinations.compactMap(\.live?.inFlight).reduce(0, +)
            text += styled(
                "It is stopping, within \(Self.span(max(1000, end - now))): \(counted(attempts, "attempt")) under way.\n", .yellow)
        }
        if let failure = report.storeFailure {
            text += styled("The store cannot be written: \(said(failure, nextTry: report.storeNextTry))\n", .red)
        }
        if report.isBackedUp {
            let why = report.storeFailure == nil ? "The outbox is full" : "Nothing more can be stored"
            text += styled("\(why): the streams wait.\n", .yellow)
        }
        for (org, ratio) in report.deliveryUse.sorted(by: { $0.key < $1.key }) {
            text += "Org \(org) has used \(Int((ratio * 100).rounded())) % of its daily event deliveries.\n"
        }
        return text
    }

    private var rulesText: String {
        guard let rules = report.rules else { return "" }
        var text =
            "Rules: generation \(rules.generation), \(counted(rules.rules, "rule")), "
            + "\(counted(rules.destinations, "destination")), hash \(rules.hash.prefix(12)), "
            + "loaded \(Self.ago(rules.loadedAt, now))\n"
        guard let broken = rules.broken else { return text }
        text += styled(
            "The rule files were edited \(Self.ago(broken.at, now)) and are NOT in force: "
                + "\(counted(broken.errors, "error")).\n", .red)
        let lines = broken.text.split(separator: "\n", omittingEmptySubsequences: false).prefix(12)
        return text + lines.map { $0.isEmpty ? "\n" : "  \($0)\n" }.joined()
    }

    // MARK: Topics

    private var topicText: String {
        guard !report.topics.isEmpty else { return "No topic has been subscribed to yet.\n" }
        var table = Table(["ORG", "TOPIC", "STATE", "SINCE", "LAG", "HEADROOM", "EVENTS", "LAST COMMIT", "DETAIL"])
        for topic in report.topics {
            var detail = said(topic.detail, nextTry: topic.nextTry)
            if topic.reconnects > 0 { detail += (detail.isEmpty ? "" : "; ") + counted(topic.reconnects, "reconnect") }
            let gaps = topic.gaps.values.reduce(0, +)
            if gaps > 0 { detail += (detail.isEmpty ? "" : "; ") + counted(gaps, "gap event") }
            if topic.possibleGaps > 0 { detail += (detail.isEmpty ? "" : "; ") + "events may be missing, see below" }
            table.add([
                topic.org, topic.topic, topic.state, Self.ago(topic.since, now),
                topic.lagMilliseconds.map { Self.span($0) } ?? "unknown",
                topic.headroomSeconds.map { Self.span($0 * 1000) } ?? "-",
                report.isLive ? "\(topic.events)" : "-", Self.ago(topic.cursor?.commitTime, now),
                detail.isEmpty ? "-" : detail,
            ])
        }
        return table.text(within: columns)
    }

    // MARK: Destinations

    private var destinationText: String {
        guard !report.destinations.isEmpty else {
            return "Nothing waits for any destination, and there are no dead letters.\n"
        }
        var table = Table([
            "DESTINATION", "PENDING", "OLDEST", "IN FLIGHT", "RATE", "BREAKER", "DELIVERED", "DEAD LETTERS", "STATE",
            "DETAIL",
        ])
        for destination in report.destinations {
            let live = destination.live
            table.add([
                destination.name, "\(destination.pending)", Self.ago(destination.oldestCommitTime, now),
                live.map { "\($0.inFlight)/\($0.concurrency)" } ?? "-", live.map { Self.rate($0.rate) } ?? "-", live?.breaker ?? "-",
                live.map { "\($0.delivered)" } ?? "-", "\(destination.deadLetters)", destination.state,
                detail(destination),
            ])
        }
        return table.text(within: columns) + report.destinations.map(platformText).joined()
    }

    /// What FlowMate and integrator.io tell beyond deliveries.
    private func platformText(_ destination: StatusReport.Destination) -> String {
        var lines = destination.losses.map { styled($0, .red) }
        if destination.echo == "noReceipt" {
            lines.append(
                styled("yes comes without FlowMate's receipt: what a gateway or login page took may be lost", .red))
        }
        if destination.echo == "notIdempotent" {
            lines.append("FlowMate does not keep our request IDs: a retry may run a flow twice")
        }
        lines += destination.listeners.filter { !$0.detail.isEmpty }.map { listener in
            let checked = listener.checkedAt.map { ", checked \(Self.ago($0, now))" } ?? ""
            return "listener \(listener.name) is \(listener.state)\(checked): \(listener.detail.printable)"
        }
        lines += destination.runs.filter { $0.phase != "idle" || $0.failures > 0 }.map(runText)
        return lines.map { "  \(destination.name): \($0)\n" }.joined()
    }

    private func runText(_ run: StatusReport.Run) -> String {
        var text = "flow \(run.flow) "
        switch run.phase {
        case "running":
            text += "runs as job \(run.jobs.joined(separator: ", ")) for \(counted(run.claimed, "event"))"
            if let since = run.since { text += ", started \(Self.ago(since, now))" }
        case "gathering":
            text += "gathers \(counted(run.waiting, "event"))"
            if let due = run.due, due > now { text += ", next run in \(Self.span(due - now))" }
        case "starting": text += "is being started"
        case "searching": text += "may have been started: the answer was lost, and its job is looked for"
        default: text += "waits"
        }
        if run.failures > 0 { text += ", \(counted(run.failures, "failed run")) in a row" }
        return run.notice.isEmpty ? text : "\(text) (\(run.notice.printable))"
    }

    private func detail(_ destination: StatusReport.Destination) -> String {
        var detail = said(destination.detail, nextTry: destination.nextTry)
        if let paused = destination.live?.pausedUntil, paused > now {
            detail += (detail.isEmpty ? "" : "; ") + "slowed down by the receiver for \((paused - now + 999) / 1000) s"
        }
        return detail.isEmpty ? "-" : detail
    }

    // MARK: Replays and backfills

    private var replayText: String {
        var table = Table(["REPLAY", "STATE", "ASKED FOR", "DONE", "EVENTS", "DELIVERIES", "DETAIL"])
        for replay in report.replays {
            table.add([
                replay.id, replay.state, Self.ago(replay.createdAt, now),
                replay.fraction.map { "\(Int($0 * 100)) %" } ?? "-", "\(replay.events)", "\(replay.deliveries)",
                replay.detail.isEmpty ? "-" : replay.detail,
            ])
        }
        return table.text(within: columns)
    }

    private var backfillText: String {
        var table = Table(["BACKFILL", "WHAT", "ORG", "STATE", "RECORDS", "OF", "WHY"])
        for backfill in report.backfills {
            let why = backfill.detail.isEmpty ? backfill.cause : backfill.detail
            table.add([
                backfill.id, backfill.title, backfill.org, backfill.state, "\(backfill.records + backfill.deleted)",
                backfill.expected.map(String.init) ?? "-", why,
            ])
        }
        return table.text(within: columns)
    }

    private var readingText: String {
        report.reading.map { reading in
            "\(counted(reading.records, "record")) of \(reading.entity) (\(reading.org), \(reading.topic)) "
                + "\(reading.records == 1 ? "waits" : "wait") to be read after gap events, "
                + "\(counted(reading.events, "event")) held since \(Self.ago(reading.since, now))\n"
        }.joined()
    }

    // MARK: Rules

    private var ruleText: String {
        var table = Table(["RULE", "MATCHED", "DELIVERED", "FAILED", "DEAD", "UNKNOWN", "FAULT", "OTHER"])
        for rule in report.ruleCounts.prefix(Self.maximumRules) {
            var others = rule.outcomes.filter { !["matched", "unknown", "fault"].contains($0.key) && $0.value > 0 }
            if rule.replayed > 0 { others["replayed"] = rule.replayed }
            table.add([
                rule.id, "\(rule.outcomes["matched"] ?? 0)", "\(rule.delivered)", "\(rule.failedAttempts)",
                "\(rule.deadLetters)", "\(rule.outcomes["unknown"] ?? 0)",
                "\((rule.outcomes["fault"] ?? 0) + rule.failures)",
                others.isEmpty ? "-" : others.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "),
            ])
        }
        let more = report.ruleCounts.count - Self.maximumRules
        return table.text(within: columns) + (more > 0 ? "and \(counted(more, "rule")) more (--json shows all)\n" : "")
    }

    private var statementText: String {
        "Last statements about completeness:\n"
            + report.statements.map { statement in
                let line =
                    "  \(Timestamp.rfc3339(statement.at)) \(statement.org) \(statement.topic): \(statement.text)\n"
                return statement.kind.lowercased().contains("gap") ? styled(line, .yellow) : line
            }.joined()
    }

    // MARK: Words

    private func styled(_ text: String, _ style: Terminal.Style) -> String { Terminal.output.styled(text, style) }

    private func said(_ text: String, nextTry time: Int64?) -> String {
        guard let time, time > now else { return text }
        return "\(text.withoutFullStop); next try in \(Self.span(time - now + 999))"
    }

    /// `12s ago`, `5m ago`, `3h ago`
    static func ago(_ time: Int64?, _ now: Int64) -> String { time.map { span(now - $0) + " ago" } ?? "-" }

    /// `12s`, `5m`, `3h`, `2d 23h`
    static func span(_ milliseconds: Int64) -> String {
        let seconds = max(0, milliseconds) / 1000
        switch seconds {
        case ..<120: return "\(seconds)s"
        case ..<7200: return "\(seconds / 60)m"
        case ..<172_800: return "\(seconds / 3600)h"
        default:
            let hours = seconds / 3600 % 24
            return "\(seconds / 86_400)d" + (hours > 0 ? " \(hours)h" : "")
        }
    }

    private static func rate(_ rate: Double) -> String {
        rate == 0 ? "0/s" : rate < 10 ? "\((rate * 10).rounded() / 10)/s" : "\(Int(rate.rounded()))/s"
    }
}
