import Events

/// How fast a backfill may go: its rate, and behind the live stream. No clock, no outbox: both are told.
struct BackfillPace {
    enum Action: Equatable {
        case go
        case wait(milliseconds: Int64, why: String)
    }

    /// Records read at once. While they are handed over, events of the object wait.
    static let pageRows = 1_000
    /// At a given rate a page holds the events up for as long as this, at most.
    static let pageSeconds = 4.0
    /// Pages that Salesforce cannot read in time, or that are too large, are halved down to this, and grow again slowly.
    static let leastRows = 10
    static let growth = 50
    /// Records handed over at once.
    static let chunk = 100

    let rate: Double?
    private var allowance = 1.0
    private var at: Int64?
    private var limit = Self.pageRows

    init(rate: Double?) { self.rate = rate }

    var rows: Int {
        guard let rate else { return limit }
        return min(limit, max(1, Int(min(rate, 1e6) * Self.pageSeconds)))
    }

    /// - Returns: whether the next page is smaller.
    mutating func narrow() -> Bool {
        let now = rows
        limit = min(limit, max(Self.leastRows, now / 2))
        return rows < now
    }

    mutating func widen() { limit = min(Self.pageRows, limit + Self.growth) }

    /// Before a page is read.
    func page(_ load: ReplayPace.Load) -> Action {
        if load.isBackedUp { return .wait(milliseconds: ReplayPace.backedUpWait, why: "the outbox is full") }
        guard load.pending >= ReplayPace.ahead else { return .go }
        return .wait(
            milliseconds: ReplayPace.busyWait, why: "\(load.pending) deliveries wait for its destinations")
    }

    /// How many records of a page may be handed over now, or when.
    ///
    /// - Parameter uptime: milliseconds that never jump.
    mutating func next(uptime: Int64) -> (records: Int, wait: Int64) {
        guard let rate else { return (Self.chunk, 0) }
        let burst = max(1, min(rate / 10, Double(Self.chunk)))
        allowance = min(burst, allowance + Double(uptime - (at ?? uptime)) * rate / 1000)
        at = uptime
        guard allowance >= 1 else { return (0, max(1, Int64(((1 - allowance) * 1000 / rate).rounded(.up)))) }
        let records = Int(allowance)
        return (records, 0)
    }

    mutating func took(_ records: Int) { if rate != nil { allowance -= Double(records) } }
}
