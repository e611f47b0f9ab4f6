/// The POST that starts a run, and the search for its job where the answer names none.
///
/// A listed job does not say who started it: a schedule, a person, or our call. So listed jobs are only candidates, and
/// what is known of the POST decides what their end means.
extension FlowRunPlan {
    mutating func posted(_ result: Result<[String], Trouble>, _ now: Int64) {
        mayPost = false
        switch result {
        case .success(let jobs) where !jobs.isEmpty: opened(jobs, now)
        case .success:
            state.run?.accepted = true
            isUnsaved = true
            search("integrator.io took the run of flow \(flow) without naming its job", now)
        case .failure(let trouble): postFailed(trouble, now)
        }
    }

    private mutating func postFailed(_ trouble: Trouble, _ now: Int64) {
        guard trouble.kind != .unknown else {
            return search("it is not known whether flow \(flow) was started: \(trouble.reason)", now)
        }
        release(now)
        switch trouble.kind {
        case .retry, .unknown: backOff(trouble, now)
        case .rateLimited: slowDown(trouble, now)
        case .busy:
            busyChecks += 1
            tell(.info, "flow \(flow) already has a run; the claims wait for its end")
            retryAt = now + doubling(limits.pollFirst, busyChecks, limits.pollCeiling)
        case .credential, .scope, .configuration: pause(limits.credentialPause, trouble.reason, now)
        case .missing, .invalid:
            needsFlowCheck = true
            pause(limits.flowPause, trouble.reason, now)
        }
    }

    private mutating func search(_ reason: String, _ now: Int64) {
        tell(.warning, reason + "; looking for the job")
        searchesDone = 0
        candidates = []
        retryAt = now + limits.searchFirst
    }

    mutating func listed(_ result: Result<[IntegratorJob], Trouble>, _ now: Int64) {
        guard let run = state.run else { return allListed(result, now) }
        switch result {
        case .success(let jobs): found(jobs.filter { mayBeOurs($0, run) }, run, now)
        case .failure(let trouble) where trouble.kind == .rateLimited: slowDown(trouble, now)
        case .failure(let trouble): backOff(trouble, now)
        }
    }

    private func mayBeOurs(_ job: IntegratorJob, _ run: FlowRunState.Run) -> Bool {
        guard job.isRun, let created = job.createdAt else { return false }
        guard !run.jobsBefore.contains(job.id), state.lastJobs?.contains(job.id) != true else { return false }
        return (earliest(run)...max(earliest(run), run.writtenAt + limits.adoptionSpan)).contains(created)
    }

    /// No job of the run was created before, by integrator.io's clock.
    func earliest(_ run: FlowRunState.Run) -> Int64 { run.newestBefore ?? run.writtenAt - limits.clockSkew }

    /// The list counts once all candidates have ended and no other comes: sources are listed one by one, and late.
    private mutating func found(_ jobs: [IntegratorJob], _ run: FlowRunState.Run, _ now: Int64) {
        searchesDone += 1
        let open = jobs.filter(\.status.isOpen)
        guard open.isEmpty else {
            candidates = []
            state.run?.openedAt = run.openedAt ?? now
            tell(.info, "job \(open.names) may be the run of flow \(flow), so its end is waited for")
            retryAt = now + min(limits.searchFirst * Int64(searchesDone), limits.pollCeiling)
            return
        }
        let ids = Set(jobs.map(\.id))
        guard ids == candidates, searchesDone >= limits.searches else {
            candidates = ids
            retryAt = now + limits.searchAgain
            return
        }
        if jobs.isEmpty { notStarted(now) } else { settled(jobs, run, now) }
    }

    private mutating func notStarted(_ now: Int64) {
        let reason = "no job was made of the run of flow \(flow)"
        // A server that answers every start with an error must not be asked for ever at the same pace.
        guard state.failingSince == nil else { return runFailed(reason, now) }
        release(now)
        backOff(Trouble(kind: .unknown, reason: "\(reason); it is started again"), now)
    }

    private mutating func settled(_ jobs: [IntegratorJob], _ run: FlowRunState.Run, _ now: Int64) {
        state.remember(jobs.map(\.id), atMost: limits.jobsRemembered)
        state.saw(jobs)
        let isCompleted = jobs.allSatisfy { $0.status == .completed }
        // The POST was taken, so our job is one of them.
        if run.accepted == true, isCompleted { return conclude(run, jobs, now) }
        let unproven = (state.unproven ?? 0) + 1
        guard unproven < limits.unprovenRuns else {
            // What eats every answer must not make the flow run for ever.
            state.unproven = nil
            return conclude(run, jobs, isProven: false, now)
        }
        state.unproven = unproven
        release(now)
        retryAt = now + jittered(limits.transientBase)
        tell(.warning, "it is not known whether \(jobs.names) was our run of flow \(flow): its window is run once more")
    }

    private mutating func opened(_ jobs: [String], _ now: Int64) {
        state.run?.jobs = jobs
        state.remember(jobs, atMost: limits.jobsRemembered)
        state.run?.openedAt = now
        state.unproven = nil
        state.pausedFor = nil
        // What was in the way of the start is over. A run that failed is not: this one may fail like it.
        if state.failures == 0 { state.failingSince = nil }
        regather()
        isUnsaved = true
        polls = 0
        isQueued = false
        queueAskedAt = nil
        busyChecks = 0
        transientFailures = 0
        retryAt = now + limits.pollFirst
    }
}
