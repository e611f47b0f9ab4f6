/// Watches one open stream for silence, for a stalled credit and for a slow consumer. No clocks: times are passed in.
struct StreamMonitor: Sendable {
    enum Action: Equatable {
        /// Look again after this.
        case wait(Duration)
        /// The stream was not refused: a topic without events says nothing until its first keepalive, minutes later.
        case accepted
        /// Nothing came for the watchdog's time although credit is outstanding.
        case silent
        /// The server counts no credit, and no answer to ours came: ask again.
        case stalled
        /// The consumer has no room, and the server is about to close the stream for lack of credit.
        case park
    }

    /// After this, a server that reported zero credit and says nothing has not seen our request.
    static let stallAfter: Duration = .seconds(20)
    /// What Salesforce refuses (session, topic, replay ID) it refuses sooner.
    static let acceptedAfter: Duration = .seconds(10)

    private enum Phase { case waiting, handling }

    private let watchdog: Duration
    private let parkAfter: Duration
    private var phase = Phase.waiting
    private var since: Duration
    private var reportedZero = false
    /// Nothing has come yet, and nobody was told that it was not refused.
    private var isNew = true

    init(watchdog: Duration, parkAfter: Duration, now: Duration) {
        self.watchdog = watchdog
        self.parkAfter = parkAfter
        since = now
    }

    mutating func received(pending: Int32, now: Duration) {
        phase = .handling
        isNew = false
        since = now
        reportedZero = pending <= 0
    }

    mutating func handled(now: Duration) {
        phase = .waiting
        since = now
    }

    mutating func next(now: Duration) -> Action {
        let elapsed = now - since
        switch phase {
        case .handling:
            return elapsed >= parkAfter ? .park : .wait(parkAfter - elapsed)
        case .waiting:
            if elapsed >= watchdog { return .silent }
            if isNew, elapsed >= Self.acceptedAfter {
                isNew = false
                return .accepted
            }
            if reportedZero, elapsed >= Self.stallAfter {
                reportedZero = false
                return .stalled
            }
            // A batch may come, and its consumer block, while this sleeps: never sleep past the time to park.
            return .wait(
                min(
                    watchdog - elapsed, reportedZero ? Self.stallAfter : watchdog, parkAfter / 3,
                    isNew ? Self.acceptedAfter - elapsed : watchdog))
        }
    }
}
