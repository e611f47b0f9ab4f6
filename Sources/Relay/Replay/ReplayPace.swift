import Events

/// How fast a replay may go: its own rate and limit, and behind the live stream wherever they share a destination. No
/// clock, no outbox: both are told.
struct ReplayPace {
    enum Action: Equatable {
        /// Take up to this many events now.
        case take(events: Int)
        case wait(milliseconds: Int64, why: String)
        /// The limit is reached.
        case stop
    }

    /// What the relay is busy with.
    struct Load {
        /// Of the replay's destinations, the most deliveries that wait for one of them; live ones count too.
        var pending = 0
        /// The outbox has no room even for the live stream.
        var isBackedUp = false
        /// Why Salesforce must not be asked for more at the moment.
        var brake: String?
    }

    /// Deliveries that may wait for a destination before a replay holds back: a live delivery never stands behind more
    /// than these of a replay.
    static let ahead = 500
    /// Events taken in one go.
    static let chunk = 100
    static let busyWait: Int64 = 50
    static let backedUpWait: Int64 = 250
    static let brakeWait: Int64 = 60_000

    private let rate: Double?
    private let limit: Int?
    private var taken: Int
    /// Events that may be taken at once now; grows with time.
    private var allowance = 1.0
    private var at: Int64?

    /// - Parameter taken: events that earlier processes took.
    init(rate: Double?, limit: Int?, taken: Int = 0) {
        self.rate = rate
        self.limit = limit
        self.taken = taken
    }

    /// - Parameter uptime: milliseconds that never jump.
    mutating func next(uptime: Int64, _ load: Load) -> Action {
        let left = limit.map { $0 - taken } ?? Self.chunk
        guard left > 0 else { return .stop }
        if let brake = load.brake { return .wait(milliseconds: Self.brakeWait, why: brake) }
        if load.isBackedUp { return .wait(milliseconds: Self.backedUpWait, why: "the outbox is full") }
        if load.pending >= Self.ahead {
            return .wait(milliseconds: Self.busyWait, why: "\(load.pending) deliveries wait for its destinations")
        }
        guard let rate else { return .take(events: min(left, Self.chunk)) }
        let burst = max(1, rate / 10)
        allowance = min(burst, allowance + Double(uptime - (at ?? uptime)) * rate / 1000)
        at = uptime
        guard allowance >= 1 else {
            return .wait(milliseconds: max(1, Int64(((1 - allowance) * 1000 / rate).rounded(.up))), why: "")
        }
        return .take(events: min(left, Self.chunk, Int(allowance)))
    }

    mutating func took(_ events: Int) {
        taken += events
        allowance -= Double(events)
    }
}
