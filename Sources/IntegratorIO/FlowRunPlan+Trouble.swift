/// What becomes of claims when a run does not.
extension FlowRunPlan {
    /// The run is not, or no longer, under way: its claims wait again, ahead of the others.
    mutating func release(_ now: Int64) {
        // While a job is open, integrator.io works on it, or waits for what it needs: that is no trouble.
        if let opened = state.run?.openedAt, let since = state.failingSince {
            state.failingSince = min(now, since + max(0, now - opened))
        }
        waiting.insert(contentsOf: running, at: 0)
        regather()
        running = []
        restored = []
        ended = [:]
        state.run = nil
        mayPost = false
        clearance = nil
        isUnsaved = true
    }

    mutating func runFailed(_ reason: String, _ now: Int64) {
        state.failures += 1
        markFailing(now)
        for index in running.indices { running[index].failedRuns += 1 }
        release(now)
        let isAlarm = state.failures >= limits.failuresBeforeAlarm
        let wait =
            isAlarm ? limits.slowRetry : doubling(limits.failureBase, state.failures, limits.failureCeiling)
        state.nextAllowed = now + jittered(wait)
        retryAt = 0
        let words = state.failures > 1 ? "\(reason) (\(state.failures) times in a row)" : reason
        state.pausedFor = isAlarm ? words : nil
        tell(isAlarm ? .alarm : .warning, "\(words); its claims wait for the next run")
    }

    /// Nothing can succeed until somebody changes something; tried again slowly.
    mutating func pause(_ milliseconds: Int64, _ reason: String, _ now: Int64) {
        markFailing(now)
        state.nextAllowed = now + jittered(milliseconds)
        state.pausedFor = reason
        isUnsaved = true
        clearance = nil
        tell(
            .alarm,
            "\(reason); the flow's claims are kept, and it is tried again every \(milliseconds / 60_000) minutes")
    }

    mutating func backOff(_ trouble: Trouble, _ now: Int64) {
        transientFailures += 1
        if state.failingSince == nil {
            markFailing(now)
            isUnsaved = true
        }
        retryAt = now + jittered(doubling(limits.transientBase, transientFailures, limits.transientCeiling))
        tell(.warning, trouble.reason)
    }

    mutating func slowDown(_ trouble: Trouble, _ now: Int64) {
        let asked = min(trouble.retryAfter ?? limits.rateLimitPause, limits.longestWait)
        retryAt = now + asked + Int64.random(in: 0...(asked / 5 + 1), using: &random)
        askedUntil = retryAt
        tell(.warning, trouble.reason)
    }

    private mutating func markFailing(_ now: Int64) {
        guard state.failingSince == nil else { return }
        state.failingSince = now
        regather()
    }

    // MARK: Giving up

    /// - Returns: whether any claim was given up.
    mutating func buryExpired(_ now: Int64) -> Bool {
        guard let first = gathering.firstExpiry, first <= now else { return false }
        let expired = waiting.filter { claim in
            claim.expiry(failingSince: state.failingSince).map { $0 <= now } ?? false
        }
        let ids = Set(expired.map(\.id))
        waiting.removeAll { ids.contains($0.id) }
        regather()
        known.subtract(ids)
        toBury.append((expired.map(\.id), "no run of flow \(flow) succeeded in time; \(lastNotice?.text ?? "")"))
        return true
    }

    // MARK: Waiting

    /// `base` × 2^(`count` − 1), at most `ceiling`.
    func doubling(_ base: Int64, _ count: Int, _ ceiling: Int64) -> Int64 {
        min(base << Int64(min(max(count, 1) - 1, 20)), ceiling)
    }

    /// Up to a fifth more, so that flows that failed together do not come back together.
    mutating func jittered(_ milliseconds: Int64) -> Int64 {
        milliseconds + Int64.random(in: 0...(milliseconds / 5 + 1), using: &random)
    }
}
