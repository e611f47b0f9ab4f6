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
            guard let obstacle = obstacle(of: flow) else {
                needsFlowCheck = false
                flowCheckedAt = now
                for finding in flow.findings where !toldFindings.contains(finding) {
                    tell(finding.effect == .warns ? .warning : .info, "\(finding)")
                }
                toldFindings = flow.findings
                return
            }
            needsFlowCheck = true
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

    mutating func allListed(_ result: Result<[IntegratorJob], Trouble>, _ now: Int64) {
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

    // MARK: The job

    private mutating func polled(_ result: Result<IntegratorJob, Trouble>, _ now: Int64) {
        switch result {
        case .success(let job) where job.status.isOpen:
            state.saw([job])
            isQueued = job.status == .open("queued")
            pollLater(now)
        case .success(let job):
            if let asked = openJob, asked != job.id {
                tell(.warning, "asked for job \(asked) of flow \(flow), integrator.io answered with another one: \(job.id)")
                return pollLater(now)
            }
            state.saw([job])
            ended[job.id] = job
            polls = 0
            if let run = state.run, run.jobs.allSatisfy({ ended[$0] != nil }) {
                conclude(run, run.jobs.compactMap { ended[$0] }, now)
            }
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

    mutating func conclude(_ run: FlowRunState.Run, _ jobs: [IntegratorJob], isProven: Bool = true, _ now: Int64) {
        guard let bad = jobs.first(where: { $0.status != .completed }) else {
            let errors = jobs.map(\.errors).reduce(0, +)
            guard recordErrors == .rerun, errors > 0 else { return completed(run, jobs, isProven: isProven) }
            return runFailed("run \(jobs.names) of flow \(flow) completed with \(errors) record errors", now)
        }
        let word = bad.status == .canceled ? "was cancelled" : "failed"
        let cause = bad.status == .failed && bad.pages == 0 ? " at its source" : ""
        runFailed("run \(bad.id) of flow \(flow) \(word)\(cause)", now)
    }

    private mutating func completed(_ run: FlowRunState.Run, _ jobs: [IntegratorJob], isProven: Bool) {
        let claimed = min(run.from + limits.overlap, state.covered ?? .max)
        // What may have been somebody else's run, with another window, is gone over again by the next one.
        state.covered = isProven ? max(run.until, state.covered ?? run.until) : claimed
        report(run, jobs, isProven: isProven)
        state.finished = run.claims
        finished = Set(run.claims)
        toFinish += run.claims
        state.run = nil
        state.failures = 0
        state.unproven = nil
        state.failingSince = nil
        state.nextAllowed = 0
        state.pausedFor = nil
        running = []
        restored = []
        ended = [:]
        retryAt = 0
        regather()
        isUnsaved = true
    }

    /// Whether it is time to say so.
    private mutating func foundNothing(_ jobs: [IntegratorJob]) -> Bool {
        state.empty = jobs.areEmpty ? (state.empty ?? 0) + 1 : nil
        // Once: it may be right, where a rule takes more than the flow does.
        return state.empty == limits.emptyRuns
    }

    private var emptyWords: String {
        "\(limits.emptyRuns) runs in a row found no record, although records changed: `sluice integrator prove-window "
            + "\(flow)` shows whether the flow takes the window"
    }

    private mutating func report(_ run: FlowRunState.Run, _ jobs: [IntegratorJob], isProven: Bool) {
        let successes = jobs.map(\.successes).reduce(0, +)
        let errors = jobs.map(\.errors).reduce(0, +)
        let text =
            "run \(jobs.names) of flow \(flow) completed for \(run.claims.count) claims: "
            + "\(successes) records, \(errors) errors"
        guard isProven else {
            let doubt = "\(text); that its window was run is not proven, since \(limits.unprovenRuns) answers were lost"
            state.report = doubt
            return tell(.alarm, doubt + "; see what stands between Sluice and integrator.io")
        }
        state.report = text
        guard !foundNothing(jobs) else { return tell(.warning, "\(text); \(emptyWords)") }
        tell(errors > 0 ? .warning : .info, errors > 0 ? text + "; integrator.io keeps and retries those" : text)
    }
}

extension [IntegratorJob] {
    var names: String { map(\.id).joined(separator: ", ") }

    /// No record was exported, sent, left out or in error.
    fileprivate var areEmpty: Bool {
        allSatisfy { $0.exported == 0 && $0.successes == 0 && $0.ignored == 0 && $0.errors == 0 }
    }
}
