/// When to send a PING, and when its silence means that the connection is dead. No sockets, no clocks: times are
/// nanoseconds of one clock.
struct KeepalivePolicy {
    enum Action: Equatable {
        case ping
        case fail
        case wait(until: UInt64)
        /// No stream is open: nobody needs to know.
        case rest
    }

    let interval: UInt64
    let timeout: UInt64
    private var lastSign: UInt64
    private var pingSentAt: UInt64?

    init(interval: UInt64, timeout: UInt64, now: UInt64) {
        self.interval = interval
        self.timeout = timeout
        lastSign = now
    }

    /// Any byte of the peer shows that it lives.
    mutating func received(at now: UInt64) {
        lastSign = now
        pingSentAt = nil
    }

    /// The first stream after a rest: silence counts from here.
    mutating func wakened(at now: UInt64) {
        received(at: now)
    }

    mutating func check(at now: UInt64, hasStreams: Bool) -> Action {
        guard hasStreams else { return .rest }
        if let sent = pingSentAt {
            return now >= sent &+ timeout ? .fail : .wait(until: sent &+ timeout)
        }
        guard now >= lastSign &+ interval else { return .wait(until: lastSign &+ interval) }
        pingSentAt = now
        return .ping
    }
}
