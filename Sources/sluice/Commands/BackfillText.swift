import Events
import Relay

/// Backfills for people.
enum BackfillText {
    static func started(_ view: BackfillView) -> String {
        view.isRunning
            ? "Backfill \(view.id) runs. `sluice backfill show \(view.id)` tells how far it is.\n"
            : "Backfill \(view.id) is stored. No relay is running: it starts with the next `sluice run`.\n"
    }

    static func list(_ views: [BackfillView]) -> String {
        guard !views.isEmpty else { return "Nothing was ever read.\n" }
        var table = Table(["BACKFILL", "WHAT", "ORG", "STATE", "ASKED FOR", "DONE", "RECORDS", "DELIVERIES", "DETAIL"])
        for view in views {
            table.add([
                view.id, what(view), view.org, view.state.rawValue, view.createdAt.text, percent(view), "\(view.records)",
                "\(view.deliveries)", view.detail.isEmpty ? "-" : view.detail,
            ])
        }
        return table.text
    }

    static func one(_ view: BackfillView) -> String {
        var text = "\(Terminal.output.styled(view.id, .bold)) \(what(view)) of \(view.org): \(view.state.rawValue)"
        text += view.detail.isEmpty ? "\n" : ", \(view.detail)\n"
        text += "  \(view.cause)\n"
        if let filter = view.filter { text += "  where \(filter)\n" }
        text += "  \(progress(view))\n"
        if view.deleted > 0 { text += "  \(counted(view.deleted, "record")) found deleted\n" }
        if view.failures > 0 { text += "  \(view.failures) deliveries could not be rendered\n" }
        if view.late > 0 { text += "  \(counted(view.late, "record")) to be read again, since they had just changed\n" }
        if let dropped = view.dropped, dropped > 0 {
            text += "  \(counted(dropped, "event")) dropped, since what was read of their records is newer\n"
        }
        return text
    }

    /// `42 %  4200 of 10000 records, 4190 deliveries, 17 s left`
    static func progress(_ view: BackfillView) -> String {
        var text = view.fraction.map { "\(Int($0 * 100)) %  " } ?? ""
        text += "\(view.records)" + (view.expected.map { " of \($0)" } ?? "") + " records, \(view.deliveries) deliveries"
        if let seconds = view.secondsLeft { text += ", \(span(seconds)) left" }
        if view.state == .running, !view.detail.isEmpty { text += ", \(view.detail)" }
        return text
    }

    private static func what(_ view: BackfillView) -> String {
        switch view.kind {
        case .snapshot: "snapshot of \(view.entity)"
        case .reread: "re-read of \(view.entity)" + (view.since.map { " since \($0.text)" } ?? "")
        }
    }

    private static func percent(_ view: BackfillView) -> String { view.fraction.map { "\(Int($0 * 100)) %" } ?? "-" }

    private static func span(_ seconds: Int) -> String {
        switch seconds {
        case ..<100: "\(seconds) s"
        case ..<6_000: "\(seconds / 60) min"
        default: "\(seconds / 3_600) h"
        }
    }
}
