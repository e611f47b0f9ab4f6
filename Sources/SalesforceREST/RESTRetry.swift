/// What to do about a call that failed. No clocks, no sockets.
struct RESTRetry {
    enum Step: Equatable {
        case giveUp
        /// Sign in anew, then send it again.
        case renewSession
        case wait(Duration)
        /// All calls of the org wait.
        case hold(Duration)
    }

    /// Of one call, renewals of the session not counted.
    static let maximumAttempts = 5
    static let base: Duration = .milliseconds(500)
    static let ceiling: Duration = .seconds(30)

    private var attempts = 0
    private var hasRenewed = false

    /// - Parameter isRepeatable: sent twice, the call does what it does once.
    mutating func next(
        after error: RESTError, isRepeatable: Bool, using generator: inout some RandomNumberGenerator
    ) -> Step {
        if asksForSession(error) {
            guard !hasRenewed else { return .giveUp }
            hasRenewed = true
            return .renewSession
        }
        guard isRepeatable || !error.mayHaveBeenDone, error.isRetryable, error.kind != .queryTimeout else {
            return .giveUp
        }
        attempts += 1
        guard attempts < Self.maximumAttempts else { return .giveUp }
        if error.kind == .limitReached { return .hold(error.retryAfter ?? .seconds(300)) }
        let longest = min(Self.base * (1 << attempts), Self.ceiling)
        return .wait(longest / 2 + longest / 2 * Double.random(in: 0...1, using: &generator))
    }

    /// 420 means that this host no longer serves the org: a new sign-in tells which does.
    private func asksForSession(_ error: RESTError) -> Bool {
        if error.status == 420 { return true }
        guard error.kind == .signIn, error.status == 401 else { return false }
        return !Self.lasting.contains { error.message.containsIgnoringCase($0) }
    }

    /// Said of sessions that no renewal mends.
    private static let lasting = [
        "connected app is not attached to agent", "this session is not valid for use with the rest api",
    ]
}

extension String {
    fileprivate func containsIgnoringCase(_ part: String) -> Bool { lowercased().contains(part) }
}
