/// What is waited for, when clocks are set or people know better.
extension FlowRunPlan {
    /// The clock was set by so much, in milliseconds: what was waited for comes neither sooner nor later for it.
    package mutating func clockMoved(by step: Int64) {
        retryAt += step
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
