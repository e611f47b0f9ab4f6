import Events
import PubSub

/// Decides where each connection of a topic starts, and what that says about lost events. No sockets, no clocks.
struct ResumePlan: Sendable {
    /// How long Salesforce keeps events, in milliseconds.
    static let retention: Int64 = 72 * 3_600_000

    private let settings: TopicSettings
    private(set) var position: Position?
    /// Set when the stored position was refused: where to start instead, and since when events may be missing.
    private var fallback: Fallback?
    /// When the first stream without any position was opened, be it by an earlier process.
    private var startedAt: Int64?
    private let hadStarted: Bool

    private struct Fallback {
        let preset: ReplayPreset
        let lostAfter: Position
        let reason: String
    }

    /// - Parameter startedAt: when an earlier process subscribed, if it left no position behind.
    init(settings: TopicSettings, position: Position?, startedAt: Int64? = nil) {
        self.settings = settings
        self.position = position
        self.startedAt = startedAt
        hadStarted = startedAt != nil
    }

    /// The first request of the next stream.
    mutating func start(credit: Int32, now: Int64) -> FetchRequest {
        if let position {
            return FetchRequest(
                topicName: settings.name, replayPreset: .custom, replayID: position.replayID, numRequested: credit)
        }
        startedAt = startedAt ?? now
        let preset = fallback?.preset ?? (settings.start == .earliest ? .earliest : .latest)
        return FetchRequest(topicName: settings.name, replayPreset: preset, numRequested: credit)
    }

    mutating func moved(to position: Position) {
        self.position = position
        fallback = nil
    }

    /// The position was refused. It is never tried again.
    ///
    /// - Parameter reason: what is wrong with it: `is no longer valid`.
    /// - Returns: nil to start by the fallback, or why the topic stops.
    mutating func invalidated(_ reason: String = "is no longer valid") -> String? {
        guard let position else { return nil }
        switch settings.onInvalidReplay {
        case .stop where settings.invalidReplayFix != nil: return settings.invalidReplayFix
        case .stop:
            return "onInvalidReplay is 'stop': decide where to go on (onInvalidReplay: earliest or latest in "
                + "sluice.yaml), then restart. Events since \(Timestamp.rfc3339(position.time)) are not relayed yet"
        case .earliest: fallback = Fallback(preset: .earliest, lostAfter: position, reason: reason)
        case .latest: fallback = Fallback(preset: .latest, lostAfter: position, reason: reason)
        }
        self.position = nil
        return nil
    }

    /// The stored position was refused, and nothing was received since.
    var wasRefused: Bool { fallback != nil }

    /// What the first response after a break means. `reconnected` is false for the process's first stream.
    func statement(reconnected: Bool, now: Int64) -> ResumeStatement? {
        if let position { return resumed(after: position, now: now) }
        if let fallback {
            let cause = "the stored replay ID \(fallback.lostAfter.replayID) \(fallback.reason)"
            let lost = Timestamp.rfc3339(fallback.lostAfter.time)
            let text =
                fallback.preset == .earliest
                ? "\(cause); resumed at the earliest "
                    + "retained event: events between \(lost) and that one may be missing, later ones come again"
                : "\(cause); resumed at the latest "
                    + "event: events between \(lost) and \(Timestamp.rfc3339(now)) are skipped"
            return ResumeStatement(kind: .possibleGap, text: text, lostSince: fallback.lostAfter.time)
        }
        guard reconnected || hadStarted, settings.start == .latest, let startedAt else { return nil }
        return ResumeStatement(
            kind: .possibleGap,
            text: "resumed at the latest event, since no position was known yet: events between "
                + "\(Timestamp.rfc3339(startedAt)) and \(Timestamp.rfc3339(now)) may be missing", lostSince: startedAt)
    }

    /// Salesforce may take an ID for some time after it has purged the events that followed it.
    private func resumed(after position: Position, now: Int64) -> ResumeStatement {
        if let from = position.movedFrom {
            // What an operator skips is not read again by itself.
            return ResumeStatement(
                kind: .possibleGap,
                text: "resumed after replay ID \(position.replayID), to which an operator moved the cursor: events committed "
                    + "since \(Timestamp.rfc3339(from)) that lie before it are skipped")
        }
        let purged = now - Self.retention
        guard position.receivedAt < purged else {
            return ResumeStatement(
                kind: .nothingLost, text: "resumed after replay ID \(position.replayID): nothing lost")
        }
        return ResumeStatement(
            kind: .possibleGap,
            text: "resumed after replay ID \(position.replayID), which is older than the 72 hours that Salesforce "
                + "keeps events: events between \(Timestamp.rfc3339(position.time)) and "
                + "\(Timestamp.rfc3339(purged)) may be missing", lostSince: position.time)
    }
}
