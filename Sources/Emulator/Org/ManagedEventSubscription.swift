import Events
import PubSub

/// A subscription whose place Salesforce keeps. Its cursor outlives every client.
struct ManagedEventSubscription: Sendable, Equatable {
    /// `18x…`, 18 characters.
    let id: String
    let developerName: String
    let topic: String
    /// Where a client starts that nobody committed for.
    var defaultReplay = ManagedReplay.latest
    /// Where one starts whose committed event is out of retention.
    var errorRecoveryReplay = ManagedReplay.latest
    var state = ManagedState.run
    private(set) var committed: UInt64?

    /// It gets what comes *after* this position.
    func start(in log: TopicLog) -> UInt64 {
        guard let committed else { return log.start(defaultReplay) }
        return log.isKnown(committed) ? committed : log.start(errorRecoveryReplay)
    }

    /// - Parameters:
    ///   - delivered: up to where this client got events.
    ///   - now: epoch milliseconds.
    mutating func commit(
        _ request: CommitReplayRequest, delivered: UInt64, in log: TopicLog, now: Int64
    ) -> CommitReplayResponse {
        var response = CommitReplayResponse(id: request.id, replayID: request.replayID, processTime: now)
        if let problem = problem(request.replayID, delivered, log) {
            response.error = .init(code: Self.commitError, message: problem)
        } else {
            committed = request.replayID.flatMap(TopicLog.position)
        }
        return response
    }

    /// `ErrorCode.COMMIT`
    private static let commitError: Int32 = 2

    private func problem(_ id: ReplayID?, _ delivered: UInt64, _ log: TopicLog) -> String? {
        guard let id else { return "The commit failed: its replay ID is missing or invalid." }
        guard let position = TopicLog.position(id) else { return "The commit failed: its replay ID is invalid." }
        guard position <= delivered else { return "The commit failed: the event was not delivered yet." }
        guard committed.map({ position >= $0 }) ?? true else {
            return "The commit failed: a later replay ID was committed before."
        }
        return log.isKnown(position) ? nil : "The commit failed: the replay ID is invalid or out of retention."
    }
}

extension TopicLog {
    fileprivate func start(_ replay: ManagedReplay) -> UInt64 {
        switch replay {
        case .latest: newest
        case .earliest: purged
        }
    }
}
