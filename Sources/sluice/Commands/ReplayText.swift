import Events
import Relay
import Store

/// Replays for people.
enum ReplayText {
    static func preview(_ preview: ReplayPreview) -> String {
        var text = ""
        for topic in preview.plan.topics {
            text += "\(topic.org) \(topic.topic): from \(source(topic.source))"
            if let since = topic.since { text += ", committed since \(Timestamp.rfc3339(since))" }
            if let until = topic.until { text += ", before \(Timestamp.rfc3339(until))" }
            if let count = topic.expectedEvents { text += ", up to \(counted(count, "event"))" }
            text += "\n"
        }
        for statement in preview.plan.statements { text += Terminal.error.styled("note: ", .yellow) + statement + "\n" }
        return text
    }

    private static func source(_ source: ReplayPlan.Source) -> String {
        switch source {
        case .journal: "the journal"
        case .salesforce: "Salesforce"
        case .sent: "the requests that were kept"
        }
    }

    static func started(_ view: ReplayView, _ preview: ReplayPreview) -> String {
        preview.startsNow
            ? "Replay \(view.id) runs. `sluice replay show \(view.id)` tells how far it is.\n"
            : "Replay \(view.id) is stored. No relay is running: it starts with the next `sluice run`.\n"
    }

    static func dryRun(_ result: ReplayDryRun) -> String {
        var text = "\(counted(result.events, "event"))"
        if let first = result.firstTime, let last = result.lastTime {
            text += ", committed \(first.text) to \(last.text)"
        }
        text += result.isCapped ? "; it stopped counting here.\n" : ".\n"
        if result.deliveries.isEmpty {
            text += "Nothing would be delivered.\n"
        } else {
            var table = Table(["RULE", "DESTINATION", "DELIVERIES"])
            for count in result.deliveries.sorted(by: { ($0.rule, $0.destination) < ($1.rule, $1.destination) }) {
                table.add([count.rule, count.destination, "\(count.deliveries)"])
            }
            text += table.text
        }
        if result.failures > 0 { text += "\(result.failures) could not be rendered and would become dead letters.\n" }
        if result.undecodable > 0 { text += "\(counted(result.undecodable, "event")) cannot be decoded.\n" }
        for statement in result.statements { text += "note: \(statement)\n" }
        return text
    }

    static func list(_ views: [ReplayView]) -> String {
        guard !views.isEmpty else { return "Nothing was ever replayed.\n" }
        var table = Table(["REPLAY", "STATE", "ASKED FOR", "DONE", "EVENTS", "DELIVERIES", "DETAIL"])
        for view in views {
            table.add([
                view.id, view.state.rawValue, view.createdAt.text, percent(view), "\(view.events)", "\(view.deliveries)",
                view.detail.isEmpty ? "-" : view.detail,
            ])
        }
        return table.text
    }

    static func one(_ view: ReplayView) -> String {
        var text = "\(Terminal.output.styled(view.id, .bold)) \(view.state.rawValue)"
        text += view.detail.isEmpty ? "\n" : ": \(view.detail)\n"
        var table = Table(["ORG", "TOPIC", "FROM", "EVENTS", "OF", "DELIVERIES", "NOT RENDERED", "UNDECODABLE", "AT"])
        let end = view.limit.map { view.events >= $0 } == true ? "the limit" : "the end"
        for topic in view.topics {
            let progress = topic.progress
            table.add([
                topic.org, topic.topic, topic.source.rawValue, "\(progress.events)",
                topic.expectedEvents.map { "≤ \($0)" } ?? "-", "\(progress.deliveries)", "\(progress.failures)",
                "\(progress.undecodable)", progress.isDone ? end : topic.lastTime?.text ?? "-",
            ])
        }
        text += table.text
        for statement in view.statements { text += "note: \(statement)\n" }
        return text
    }

    static func percent(_ view: ReplayView) -> String { view.fraction.map { "\(Int($0 * 100)) %" } ?? "-" }
}
