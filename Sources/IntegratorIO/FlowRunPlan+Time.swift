/// What is waited for, when clocks are set or people know better.
extension FlowRunPlan {
    /// Somebody may have mended what the flow waits for. What integrator.io itself asked for is waited for all the same.
    ///
    /// - Returns: why runs were tried slowly; nil if they were not.
    @discardableResult
    package mutating func tryNow(at now: Int64) -> String? {
        needsFlowCheck = true
        if state.nextAllowed != 0 {
            state.nextAllowed = 0
            isUnsaved = true
        }
        // A job that is looked for takes its time to be listed, whoever asks.
        let isSearching = state.run.map { $0.jobs.isEmpty && !mayPost } ?? false
        retryAt = isSearching ? min(retryAt, max(askedUntil, now + limits.searchAgain)) : min(retryAt, askedUntil)
        guard let reason = pausedFor else { return nil }
        tell(.info, "flow \(flow) is tried now; it was paused: \(reason)")
        return reason
    }

    /// Why the claims that wait wait longer than they asked to.
    var pausedFor: String? { state.run == nil && !waiting.isEmpty ? state.pausedFor : nil }

    /// The clock was set by so much, in milliseconds: what was waited for comes neither sooner nor later for it.
    package mutating func clockMoved(by step: Int64) {
        retryAt += step
        askedUntil += step
        state.nextAllowed += step
        state.failingSince = state.failingSince.map { $0 + step }
        state.run?.writtenAt += step
        if let opened = state.run?.openedAt { state.run?.openedAt = opened + step }
        flowCheckedAt = flowCheckedAt.map { $0 + step }
        queueAskedAt = queueAskedAt.map { $0 + step }
        clearance?.at += step
        for index in waiting.indices { waiting[index].arrived += step }
        for index in running.indices { running[index].arrived += step }
        regather()
    }

    /// A clock that was set back while we were stopped must not make anything wait for the difference.
    mutating func clampTimes(_ now: Int64) {
        retryAt = min(retryAt, now + limits.longestWait)
        state.nextAllowed = min(state.nextAllowed, now + limits.longestWait)
        guard gathering.lastArrival > now else { return }
        for index in waiting.indices { waiting[index].arrived = min(waiting[index].arrived, now) }
        regather()
    }
}
