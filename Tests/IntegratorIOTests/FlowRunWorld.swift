import Events

@testable import IntegratorIO

/// An integrator.io with one flow, a disk, an outbox and a clock, for plans to live in.
struct FlowRunWorld {
    enum PostFault: Sendable {
        case none, answerLost, requestLost, noJobNamed
        /// Somebody else was faster: their run is open, and ours is refused.
        case taken
        /// Somebody else runs the flow at that moment, and our request is lost.
        case requestLostBesideForeignRun
        case status(IntegratorFailureKind)
    }

    struct Job {
        var id: String
        var createdAt: Int64
        var endsAt: Int64
        var ending: IntegratorJob.Status
        var window: ClosedRange<Int64>?
        var isGone = false
        var errors = 0
    }

    static let start: Int64 = 1_800_000_000_000
    /// Integrator's clock is ahead of ours by this.
    var skew: Int64 = 0
    var now = start
    var plan: FlowRunPlan
    var disk: FlowRunState?
    var pending: [FlowRunPlan.Claim] = []
    var arrivals: [String: Int64] = [:]
    var done: [String: Int64] = [:]
    var dead: [String: String] = [:]
    var jobs: [Job] = []
    var postFaults: [PostFault] = []
    var foreignEnding = IntegratorJob.Status.completed
    var endings: [IntegratorJob.Status] = []
    /// Record errors of the next jobs.
    var recordErrors: [Int] = []
    var duration: Int64 = 20_000
    var saveFails = false
    var latestTroubles: [IntegratorFailureKind] = []
    /// Whatever ran, no latest job is shown.
    var latestIsEmpty = false
    var listTroubles: [IntegratorFailureKind] = []
    var pollTroubles: [IntegratorFailureKind] = []
    /// Those that the flow has; nil: whatever a claim names.
    var sources: Set<String>?
    var flowAnswers: [Result<IntegratorFlow, FlowRunPlan.Trouble>] = []
    var retryAfter: Int64?
    var offline: [String] = []
    /// The word of a job that has not ended.
    var openWord = "running"
    var posts = 0
    var notices: [FlowRunPlan.Notice] = []
    var log: [String] = []
    var problems: [String] = []
    var limits = FlowRunLimits()

    let policy: RecordErrorPolicy

    init(limits: FlowRunLimits = FlowRunLimits(), policy: RecordErrorPolicy = .keep) {
        self.limits = limits
        self.policy = policy
        plan = FlowRunPlan(flow: "f", at: Self.start, limits: limits, recordErrors: policy, seed: 1)
    }

    // MARK: From outside

    mutating func claim(
        _ id: String, from: Int64? = nil, until: Int64? = nil, quiet: Int64 = 10_000, maximum: Int64 = 60_000,
        limit: Int = 1000, exports: [String] = [], horizon: Int64? = nil, maximumRuns: Int? = nil
    ) {
        let request = FlowRunRequest(
            flow: "f", exports: exports, from: from ?? now, until: until ?? now, quietMilliseconds: quiet,
            maximumMilliseconds: maximum, limit: limit)
        let claim = FlowRunPlan.Claim(id: id, request: request, horizon: horizon, maximumRuns: maximumRuns)
        pending.append(claim)
        arrivals[id] = now
        plan.add(claim, at: now)
    }

    /// Somebody presses "run".
    mutating func foreignRun(lasting milliseconds: Int64) {
        jobs.append(
            Job(
                id: "foreign\(jobs.count)", createdAt: now + skew, endsAt: now + milliseconds,
                ending: foreignEnding, window: nil))
    }

    mutating func crash(claimsComeAgain: Bool = true) {
        log.append("crash")
        plan = FlowRunPlan(flow: "f", state: disk, at: now, limits: limits, recordErrors: policy, seed: 2)
        guard claimsComeAgain else { return }
        for claim in pending { plan.add(claim, at: now) }
    }

    enum CrashPoint { case before, after }

    /// Lives until nothing is left to do or the time is over.
    ///
    /// - Parameter crashAt: how many actions go well before one is hit, and whether it was done by then.
    /// - Returns: how many actions were performed.
    @discardableResult
    mutating func live(for milliseconds: Int64, crashAt: (Int, CrashPoint)? = nil) -> Int {
        let end = now + milliseconds
        var actions = 0
        for _ in 0..<100_000 {
            let action = plan.next(at: now)
            if case .wait(let until) = action {
                guard let until, until <= end else {
                    now = end
                    return actions
                }
                if until <= now { problems.append("a wait that is over: \(until - now)") }
                now = max(until, now + 1)
                continue
            }
            if let crashAt, crashAt.0 == actions {
                if crashAt.1 == .after { _ = perform(action) }
                actions += 1
                crash()
                continue
            }
            actions += 1
            if let event = perform(action) { plan.apply(event, at: now) }
            if now > end { return actions }
        }
        problems.append("busy loop")
        return actions
    }

    // MARK: Doing

    mutating func perform(_ action: FlowRunPlan.Action) -> FlowRunPlan.Event? {
        switch action {
        case .wait: return nil
        case .notice(let notice):
            notices.append(notice)
            return nil
        case .save(let state):
            log.append("save")
            guard !saveFails else { return .saveFailed(reason: "disk full") }
            disk = state
            return .saved
        case .checkConnections:
            log.append("connections")
            return .connections(.success(offline))
        case .checkFlow(let exports):
            log.append("flow")
            guard flowAnswers.isEmpty else { return .flow(flowAnswers.removeFirst()) }
            var flow = IntegratorFlow(id: "f")
            for export in exports where sources?.contains(export) == false {
                flow.findings.append(FlowActivation.Finding(subject: export, problem: .noSuchSource))
            }
            return .flow(.success(flow))
        case .checkLatest:
            log.append("latest")
            if latestIsEmpty { return .latest(.success([])) }
            if !latestTroubles.isEmpty { return .latest(.failure(trouble(latestTroubles.removeFirst()))) }
            return .latest(.success(jobs.last.map { [view($0)] } ?? []))
        case .post(let body): return .posted(post(body))
        case .listJobs(let since):
            log.append("list")
            if !listTroubles.isEmpty { return .listed(.failure(trouble(listTroubles.removeFirst()))) }
            return .listed(.success(jobs.filter { $0.createdAt >= since }.reversed().map(view)))
        case .pollJob(let id):
            log.append("poll")
            if !pollTroubles.isEmpty { return .polled(.failure(trouble(pollTroubles.removeFirst()))) }
            guard let job = jobs.first(where: { $0.id == id && !$0.isGone }) else {
                return .polled(.failure(trouble(.missing)))
            }
            return .polled(.success(view(job)))
        case .finish(let ids):
            log.append("finish \(ids.count)")
            for id in ids { finish(id) }
            return .finished(ids)
        case .bury(let ids, let reason):
            log.append("bury \(ids.count)")
            for id in ids { dead[id] = reason }
            pending.removeAll { ids.contains($0.id) }
            return .buried
        }
    }

    private mutating func post(_ body: RunBody) -> Result<[String], FlowRunPlan.Trouble> {
        log.append("post")
        posts += 1
        if disk?.run?.from != body.from || disk?.run?.until != body.until {
            problems.append("posted a window that was not written down")
        }
        if let sources, !sources.isSuperset(of: body.exports) { problems.append("a run of a source that is not there") }
        if body.from >= body.until { problems.append("an empty window") }
        let fault = postFaults.isEmpty ? .none : postFaults.removeFirst()
        if case .status(let kind) = fault { return .failure(trouble(kind)) }
        if case .requestLost = fault { return .failure(trouble(.unknown)) }
        if case .taken = fault {
            foreignRun(lasting: duration)
            return .failure(trouble(.busy))
        }
        if case .requestLostBesideForeignRun = fault {
            foreignRun(lasting: duration)
            return .failure(trouble(.unknown))
        }
        if jobs.contains(where: { $0.endsAt > now && !$0.isGone }) { problems.append("two open runs") }
        let job = Job(
            id: "job\(jobs.count)", createdAt: now + skew, endsAt: now + duration,
            ending: endings.isEmpty ? .completed : endings.removeFirst(), window: body.from...body.until)
        jobs.append(job)
        if !recordErrors.isEmpty { jobs[jobs.count - 1].errors = recordErrors.removeFirst() }
        switch fault {
        case .answerLost: return .failure(trouble(.unknown))
        case .noJobNamed: return .success([])
        default: return .success([job.id])
        }
    }

    private mutating func finish(_ id: String) {
        guard let claim = pending.first(where: { $0.id == id }) else { return }
        let window = claim.request.from...max(claim.request.until, claim.request.from)
        let covering = jobs.first { job in
            guard let covered = job.window, job.ending == .completed, job.endsAt <= now else { return false }
            return covered.lowerBound <= window.lowerBound && covered.upperBound >= window.upperBound
        }
        if covering == nil { problems.append("\(id) is done, but no completed run covers it") }
        done[id] = now
        pending.removeAll { $0.id == id }
    }

    private func view(_ job: Job) -> IntegratorJob {
        IntegratorJob(
            id: job.id, status: now < job.endsAt ? .open(openWord) : job.ending, createdAt: job.createdAt,
            errors: now < job.endsAt ? 0 : job.errors, pages: 1)
    }

    private func trouble(_ kind: IntegratorFailureKind) -> FlowRunPlan.Trouble {
        FlowRunPlan.Trouble(kind: kind, reason: "\(kind)", retryAfter: retryAfter)
    }

    /// Windows of completed runs, in order of creation.
    var windows: [ClosedRange<Int64>] { jobs.filter { $0.ending == .completed }.compactMap(\.window) }
}

extension FlowRunState {
    /// A run that was posted at 5, for the claim `a`.
    static func open(_ jobs: [String], accepted: Bool? = nil) -> FlowRunState {
        var state = FlowRunState()
        state.run = Run(
            from: 0, until: 10, exports: [], claims: ["a"], writtenAt: 5, newestBefore: nil, jobsBefore: [], jobs: jobs,
            accepted: accepted)
        return state
    }
}

extension FlowRunRequest {
    static func sample(from: Int64) -> FlowRunRequest {
        FlowRunRequest(
            flow: "f", exports: [], from: from, until: from, quietMilliseconds: 10_000, maximumMilliseconds: 60_000,
            limit: 1000)
    }
}
