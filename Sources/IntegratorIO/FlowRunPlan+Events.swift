extension FlowRunPlan {
    /// A call that brought no result.
    package struct Trouble: Error, Sendable, Equatable {
        package var kind: IntegratorFailureKind
        package var reason: String
        /// What `Retry-After` asks for, in milliseconds.
        package var retryAfter: Int64?

        package init(kind: IntegratorFailureKind, reason: String, retryAfter: Int64? = nil) {
            self.kind = kind
            self.reason = reason
            self.retryAfter = retryAfter
        }
    }

    /// What came of an action.
    package enum Event: Sendable {
        case saved
        case saveFailed(reason: String)
        /// These were reported as done.
        case finished([String])
        case buried
        case flow(Result<IntegratorFlow, Trouble>)
        /// Names of those that are offline.
        case connections(Result<[String], Trouble>)
        case latest(Result<[IntegratorJob], Trouble>)
        case posted(Result<[String], Trouble>)
        case listed(Result<[IntegratorJob], Trouble>)
        case polled(Result<IntegratorJob, Trouble>)
    }

    package mutating func apply(_ event: Event, at now: Int64) {
        switch event {
        case .saved:
            isUnsaved = false
            saveFailures = 0
        case .saveFailed(let reason): saveFailed(reason, now)
        case .finished(let ids): forget(ids)
        case .buried: toBury.removeFirst()
        case .flow(let result): flowChecked(result, now)
        case .connections(let result): connectionsChecked(result, now)
        case .latest(let result): latestChecked(result, now)
        case .posted(let result): posted(result, now)
        case .listed(let result): listed(result, now)
        case .polled(let result): polled(result, now)
        }
    }

    /// More may have been added to the list while these were reported.
    private mutating func forget(_ ids: [String]) {
        let done = Set(ids)
        known.subtract(done)
        toFinish.removeAll { done.contains($0) }
    }

    private mutating func saveFailed(_ reason: String, _ now: Int64) {
        saveFailures += 1
        tell(.warning, "cannot save the state of flow \(flow): \(reason); no run is started until it is saved")
        retryAt = now + jittered(doubling(limits.transientBase, saveFailures, limits.transientCeiling))
    }

    // MARK: Before a run

    private mutating func flowChecked(_ result: Result<IntegratorFlow, Trouble>, _ now: Int64) {
        switch result {
        case .success(let flow):
            guard let obstacle = flow.obstacle else {
                needsFlowCheck = false
                flowCheckedAt = now
                for finding in flow.findings where !toldFindings.contains(finding) {
                    tell(finding.effect == .warns ? .warning : .info, "\(finding)")
                }
                toldFindings = flow.findings
                return
            }
            pause(limits.flowPause, "flow \(self.flow) cannot run: \(obstacle)", now)
        case .failure(let trouble): beforeRunFailed(trouble, now)
        }
    }

    private mutating func latestChecked(_ result: Result<[IntegratorJob], Trouble>, _ now: Int64) {
        switch result {
        case .success(let jobs):
            transientFailures = 0
            if let open = jobs.first(where: { $0.isRun && $0.status.isOpen }) {
                busyChecks += 1
                tell(.info, "flow \(flow) waits for run \(open.id), which was started by somebody else")
                retryAt = now + doubling(limits.pollFirst, busyChecks, limits.pollCeiling)
            } else {
                clear(jobs, now)
            }
        case .failure(let trouble) where trouble.kind == .missing && flowCheckedAt.map { now - $0 < 60_000 } == true:
            // The flow is there: it has no job yet, or these are not shown. A run that was lost must not be taken for
            // an earlier one, so that has to be known.
            latestIsMissing = true
        case .failure(let trouble): beforeRunFailed(trouble, now)
        }
    }

    private mutating func clear(_ jobs: [IntegratorJob], _ now: Int64) {
        state.saw(jobs)
        clearance = Clearance(at: now, jobs: jobs.prefix(limits.jobsRemembered).map(\.id))
        latestIsMissing = false
    }

    private mutating func allListed(_ result: Result<[IntegratorJob], Trouble>, _ now: Int64) {
        if case .failure(let trouble) = result, trouble.kind == .missing {
            needsFlowCheck = true
            return pause(limits.flowPause, trouble.reason, now)
        }
        latestChecked(result, now)
    }

    private mutating func beforeRunFailed(_ trouble: Trouble, _ now: Int64) {
        switch trouble.kind {
        case .retry, .unknown, .busy: backOff(trouble, now)
        case .rateLimited: slowDown(trouble, now)
        case .credential, .scope, .configuration: pause(limits.credentialPause, trouble.reason, now)
        case .missing where !needsFlowCheck: needsFlowCheck = true
        case .missing, .invalid:
            needsFlowCheck = true
            pause(limits.flowPause, trouble.reason, now)
        }
    }

    private mutating func connectionsChecked(_ result: Result<[String], Trouble>, _ now: Int64) {
        queueAskedAt = now
        guard case .success(let offline) = result, let run = state.run else { return }
        let minutes = (now - run.writtenAt) / 60_000
        let cause =
            offline.isEmpty
            ? "integrator.io runs one job of a flow at a time"
            : "connection \(offline.joined(separator: ", ")) is offline, and it goes on by itself once it is back"
        let jobs = run.jobs.joined(separator: ", ")
        tell(.info, "run \(jobs) of flow \(flow) is queued for \(minutes) minutes: \(cause)")
    }

    // MARK: The POST

    private mutating func posted(_ result: Result<[String], Trouble>, _ now: Int64) {
        mayPost = false
        switch result {
        case .success(let jobs) where !jobs.isEmpty: opened(jobs, adopted: false, now)
        case .success: search("integrator.io took the run of flow \(flow) without naming its job", now)
        case .failure(let trouble): postFailed(trouble, now)
        }
    }

    private mutating func postFailed(_ trouble: Trouble, _ now: Int64) {
        guard trouble.kind != .unknown else {
            return search("it is not known whether flow \(flow) was started: \(trouble.reason)", now)
        }
        release()
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
        retryAt = now + limits.searchFirst
    }

    private mutating func listed(_ result: Result<[IntegratorJob], Trouble>, _ now: Int64) {
        guard let run = state.run else { return allListed(result, now) }
        switch result {
        case .success(let jobs):
            let ours = jobs.filter { isOurs($0, run) }.map(\.id)
            if !ours.isEmpty {
                tell(.info, "job \(ours.joined(separator: ", ")) is taken for the run of flow \(flow)")
                return opened(ours, adopted: true, now)
            }
            searchesDone += 1
            guard searchesDone >= limits.searches else {
                retryAt = now + limits.searchAgain
                return
            }
            searchesDone = 0
            let reason = "no job was made of the run of flow \(flow)"
            // A server that answers every start with an error must not be asked for ever at the same pace.
            guard state.failingSince == nil else { return runFailed(reason, now) }
            release()
            backOff(Trouble(kind: .unknown, reason: "\(reason); it is started again"), now)
        case .failure(let trouble) where trouble.kind == .rateLimited: slowDown(trouble, now)
        case .failure(let trouble): backOff(trouble, now)
        }
    }

    private func isOurs(_ job: IntegratorJob, _ run: FlowRunState.Run) -> Bool {
        guard job.isRun, let created = job.createdAt else { return false }
        guard !run.jobsBefore.contains(job.id), state.lastJobs?.contains(job.id) != true else { return false }
        return (earliest(run)...max(earliest(run), run.writtenAt + limits.adoptionSpan)).contains(created)
    }

    private mutating func opened(_ jobs: [String], adopted: Bool, _ now: Int64) {
        state.run?.jobs = jobs
        state.remember(jobs, atMost: limits.jobsRemembered)
        state.run?.adopted = adopted
        isUnsaved = true
        polls = 0
        isQueued = false
        queueAskedAt = nil
        busyChecks = 0
        transientFailures = 0
        retryAt = now + limits.pollFirst
    }

    // MARK: The job

    private mutating func polled(_ result: Result<IntegratorJob, Trouble>, _ now: Int64) {
        switch result {
        case .success(let job) where job.status.isOpen:
            state.saw([job])
            isQueued = job.status == .open("queued")
            pollLater(now)
        case .success(let job):
            state.saw([job])
            ended[job.id] = job
            polls = 0
            if let run = state.run, run.jobs.allSatisfy({ ended[$0] != nil }) { conclude(run, now) }
        case .failure(let trouble) where trouble.kind == .missing:
            runFailed("the job of flow \(flow) is gone: \(trouble.reason)", now)
        case .failure(let trouble) where trouble.kind == .rateLimited: slowDown(trouble, now)
        case .failure(let trouble) where trouble.kind == .credential:
            let minutes = limits.credentialPause / 60_000
            tell(.alarm, "\(trouble.reason); the run goes on, and how far it is is asked again in \(minutes) minutes")
            retryAt = now + limits.credentialPause
        case .failure(let trouble):
            tell(.warning, trouble.reason)
            pollLater(now)
        }
    }

    /// A job may stay queued for hours behind an offline connection; that is no error.
    private mutating func pollLater(_ now: Int64) {
        polls += 1
        retryAt = now + min(limits.pollFirst * Int64(polls), limits.pollCeiling)
    }

    private mutating func conclude(_ run: FlowRunState.Run, _ now: Int64) {
        let jobs = run.jobs.compactMap { ended[$0] }
        guard let bad = jobs.first(where: { $0.status != .completed }) else {
            let errors = jobs.map(\.errors).reduce(0, +)
            guard recordErrors == .rerun, errors > 0 else { return completed(run, jobs) }
            return runFailed(
                "run \(run.jobs.joined(separator: ", ")) of flow \(flow) completed with \(errors) record errors", now)
        }
        let word = bad.status == .canceled ? "was cancelled" : "failed"
        let cause = bad.status == .failed && bad.pages == 0 ? " at its source" : ""
        runFailed("run \(bad.id) of flow \(flow) \(word)\(cause)", now)
    }

    private mutating func completed(_ run: FlowRunState.Run, _ jobs: [IntegratorJob]) {
        let claimed = min(run.from + limits.overlap, state.covered ?? .max)
        // An adopted job may be somebody else's, with another window: the next run goes over this one again.
        state.covered = run.adopted ? claimed : max(run.until, state.covered ?? run.until)
        report(run, jobs)
        state.finished = run.claims
        finished = Set(run.claims)
        toFinish += run.claims
        state.run = nil
        state.failures = 0
        state.failingSince = nil
        state.nextAllowed = 0
        running = []
        restored = []
        ended = [:]
        retryAt = 0
        regather()
        isUnsaved = true
    }

    private mutating func report(_ run: FlowRunState.Run, _ jobs: [IntegratorJob]) {
        let successes = jobs.map(\.successes).reduce(0, +)
        let errors = jobs.map(\.errors).reduce(0, +)
        let text =
            "run \(run.jobs.joined(separator: ", ")) of flow \(flow) completed for \(run.claims.count) claims: "
            + "\(successes) records, \(errors) errors"
        state.report = text
        tell(errors > 0 ? .warning : .info, errors > 0 ? text + "; integrator.io keeps and retries those" : text)
    }
}
