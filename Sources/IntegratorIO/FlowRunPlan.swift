import Events

/// Decides how the claims on one flow become runs. No network, no clock, no disk.
///
/// The caller asks `next(at:)` for one action, performs it, tells the result by `apply(_:at:)`, and asks again.
/// At most one run is open; its window is saved before it is posted; claims are done only when a run whose window holds
/// them has completed, so only by a job that the answer to our own POST named or must have made. `FlowRunState` is all
/// that must survive: started again from any saved state, the plan neither forgets a claim nor posts a run while one that
/// may be the last one goes on. Times are epoch milliseconds.
package struct FlowRunPlan: Sendable {
    /// A delivery that wants the flow to run over its window.
    package struct Claim: Sendable, Equatable {
        package var id: String
        package var request: FlowRunRequest
        /// Milliseconds of trouble after which the claim is given up; nil never.
        package var horizon: Int64?
        /// Failed runs after which the claim is given up; nil never.
        package var maximumRuns: Int?
        var arrived: Int64 = 0
        var failedRuns = 0

        package init(id: String, request: FlowRunRequest, horizon: Int64? = nil, maximumRuns: Int? = nil) {
            self.id = id
            self.request = request
            self.horizon = horizon
            self.maximumRuns = maximumRuns
        }

        /// When the claim is given up, if nothing succeeds before.
        func expiry(failingSince since: Int64?) -> Int64? {
            guard let since else { return nil }
            if let maximumRuns, failedRuns >= maximumRuns { return since }
            return horizon.map { max(since, arrived) + $0 }
        }
    }

    package enum Action: Sendable, Equatable {
        /// Nil: until a claim comes.
        case wait(until: Int64?)
        /// Nothing else may be done before this is on disk.
        case save(FlowRunState)
        /// The flow, and those sources of it; all of them if empty.
        case checkFlow([String])
        /// A run stays queued: is a connection of it offline?
        case checkConnections([String])
        case checkLatest
        case post(RunBody)
        case listJobs(since: Int64)
        case pollJob(String)
        /// Report these deliveries as done.
        case finish([String])
        /// Report these deliveries as dead.
        case bury([String], reason: String)
        /// Tell the operator. Needs no answer.
        case notice(Notice)
    }

    package struct Notice: Sendable, Equatable {
        package enum Level: Sendable { case info, warning, alarm }

        package var level: Level
        package var text: String
    }

    /// Which jobs were there when no run was open.
    struct Clearance: Equatable {
        var at: Int64
        var jobs: [String]
    }

    /// The sum of what the waiting claims ask for.
    struct Gathering {
        var lastArrival: Int64 = 0
        var quiet: Int64 = .max / 2
        var deadline: Int64 = .max
        var limit = Int.max
        /// When the first claim is given up, if nothing succeeds before.
        var firstExpiry: Int64?

        mutating func add(_ claim: Claim, failingSince: Int64?) {
            if let expiry = claim.expiry(failingSince: failingSince) {
                firstExpiry = min(firstExpiry ?? expiry, expiry)
            }
            lastArrival = max(lastArrival, claim.arrived)
            quiet = min(quiet, claim.request.quietMilliseconds)
            deadline = min(deadline, claim.arrived + claim.request.maximumMilliseconds)
            limit = min(limit, claim.request.limit)
        }
    }

    package let flow: String
    package let limits: FlowRunLimits
    package var recordErrors: RecordErrorPolicy
    package internal(set) var state: FlowRunState
    /// In order of arrival.
    package internal(set) var waiting: [Claim] = []
    var gathering = Gathering()
    /// Those of `state.run` that came (again) to this process.
    var running: [Claim] = []
    var known: Set<String> = []
    /// Claims of a run that was under way when we started; they come again one by one.
    var restored: Set<String>
    var finished: Set<String>
    var toFinish: [String] = []
    var toBury: [(ids: [String], reason: String)] = []
    var notices: [Notice] = []
    var lastNotice: Notice?
    var isUnsaved = false
    var saveFailures = 0
    /// No action before this, except reporting.
    var retryAt: Int64 = 0
    /// integrator.io asked to be left alone until then.
    var askedUntil: Int64 = 0
    /// The window is on disk, and the POST was certainly not made yet.
    var mayPost = false
    var needsFlowCheck = true
    var flowCheckedAt: Int64?
    /// Sources that claims name and the flow does not have, as of the last check.
    var missingSources: Set<String> = []
    /// What was said of the flow.
    var toldFindings: [FlowActivation.Finding] = []
    /// The job of the run that is under way is queued, for all that is known.
    var isQueued = false
    var queueAskedAt: Int64?
    var clearance: Clearance?
    /// `GET …/jobs/latest` shows nothing, so the list of jobs has to tell.
    var latestIsMissing = false
    var ended: [String: IntegratorJob] = [:]
    var polls = 0
    var searchesDone = 0
    /// Jobs that the last look found; one of them may be the run's.
    var candidates: Set<String> = []
    var busyChecks = 0
    var transientFailures = 0
    var random: SplitMix64

    /// - Parameters:
    ///   - state: as saved last; nil for a flow that was never run.
    ///   - seed: of the jitter.
    package init(
        flow: String, state: FlowRunState? = nil, at now: Int64, limits: FlowRunLimits = FlowRunLimits(),
        recordErrors: RecordErrorPolicy = .keep, seed: UInt64
    ) {
        self.flow = flow
        self.limits = limits
        self.recordErrors = recordErrors
        self.state = state ?? FlowRunState()
        finished = Set(self.state.finished)
        restored = Set(self.state.run?.claims ?? [])
        random = SplitMix64(state: seed)
        // A window without a job: nobody knows whether the POST was made before we stopped.
        if self.state.run?.adopted == true { self.state.run?.jobs = [] }
        if let jobs = self.state.run?.jobs { self.state.remember(jobs, atMost: limits.jobsRemembered) }
        if let run = self.state.run, run.jobs.isEmpty { retryAt = now + limits.searchFirst }
    }

    /// Takes a claim. The same one may come again after a restart.
    package mutating func add(_ claim: Claim, at now: Int64) {
        guard !finished.contains(claim.id) else {
            toFinish.append(claim.id)
            return
        }
        guard known.insert(claim.id).inserted else { return }
        var claim = claim
        claim.arrived = now
        if restored.contains(claim.id) {
            running.append(claim)
        } else {
            waiting.append(claim)
            gathering.add(claim, failingSince: state.failingSince)
        }
    }

    /// The one thing to do now.
    package mutating func next(at now: Int64) -> Action {
        clampTimes(now)
        if !notices.isEmpty { return .notice(notices.removeFirst()) }
        if isUnsaved { return now < retryAt && saveFailures > 0 ? .wait(until: retryAt) : .save(state) }
        if !toFinish.isEmpty { return .finish(toFinish) }
        if let burial = toBury.first { return .bury(burial.ids, reason: burial.reason) }
        if let run = state.run {
            return now < retryAt ? .wait(until: retryAt) : nextOfRun(run, now)
        }
        return nextBetweenRuns(now)
    }

    /// The job of the run that is asked about.
    var openJob: String? { state.run?.jobs.first { ended[$0] == nil } }

    private mutating func nextOfRun(_ run: FlowRunState.Run, _ now: Int64) -> Action {
        if let job = openJob {
            return wantsToKnowWhyQueued(run, now) ? .checkConnections(run.exports) : .pollJob(job)
        }
        if mayPost, !(0..<limits.windowIsFresh).contains(now - run.writtenAt) {
            // Saving took long: what was seen before is stale. Nothing was posted, so begin anew.
            release(now)
            return next(at: now)
        }
        if mayPost { return .post(RunBody(from: run.from, until: run.until, exports: run.exports)) }
        return .listJobs(since: earliest(run))
    }

    private mutating func nextBetweenRuns(_ now: Int64) -> Action {
        if buryExpired(now) { return next(at: now) }
        guard !waiting.isEmpty else { return .wait(until: nil) }
        let due = max(dueAt, state.nextAllowed, retryAt)
        if now < due { return .wait(until: min(due, gathering.firstExpiry ?? due)) }
        if let checked = flowCheckedAt, !(0..<limits.flowIsFresh).contains(now - checked) { needsFlowCheck = true }
        if needsFlowCheck || namesMissing(waiting[0]) { return .checkFlow(exports(of: waiting[...])) }
        guard let clearance, (0..<limits.latestIsFresh).contains(now - clearance.at) else {
            return latestIsMissing ? .listJobs(since: now - limits.jobsLookBack) : .checkLatest
        }
        form(clearance, now)
        return next(at: now)
    }

    /// Runs behind an offline connection stay queued for hours. That is no fault, but nobody should have to guess.
    private func wantsToKnowWhyQueued(_ run: FlowRunState.Run, _ now: Int64) -> Bool {
        guard isQueued, now - run.writtenAt >= limits.queuedIsLong else { return false }
        return queueAskedAt.map { now - $0 >= limits.queuedAskedAgain } ?? true
    }

    /// When the waiting claims want to run: all is quiet, or the oldest has waited long enough, or they are many.
    package var dueAt: Int64 {
        waiting.count >= gathering.limit ? 0 : min(gathering.lastArrival + gathering.quiet, gathering.deadline)
    }

    mutating func regather() {
        gathering = Gathering()
        for claim in waiting { gathering.add(claim, failingSince: state.failingSince) }
    }

    /// Writes the window down. It leaves no gap to the last covered one.
    private mutating func form(_ clear: Clearance, _ now: Int64) {
        let claims = waiting.prefix(limits.claimsPerRun).prefix { !namesMissing($0) }
        guard let first = claims.map(\.request.from).min(), let last = claims.map(\.request.until).max() else { return }
        let covered = state.covered ?? first
        let until = max(now, last + 1000)
        if until > now + limits.clockTolerance {
            tell(
                .alarm,
                "events of flow \(flow) lie \((until - now) / 1000) s ahead of this machine's clock; set it right")
        }
        state.covered = covered
        state.run = FlowRunState.Run(
            from: min(first, covered) - limits.overlap, until: until, exports: exports(of: claims),
            claims: claims.map(\.id), writtenAt: now, newestBefore: state.newestJob, jobsBefore: clear.jobs)
        running = Array(claims)
        waiting.removeFirst(claims.count)
        regather()
        clearance = nil
        ended = [:]
        mayPost = true
        isUnsaved = true
    }

    /// The union; a claim on all sources makes it all.
    private func exports(of claims: ArraySlice<Claim>) -> [String] {
        guard claims.allSatisfy({ !$0.request.exports.isEmpty }) else { return [] }
        return Set(claims.flatMap(\.request.exports)).sorted()
    }

    mutating func tell(_ level: Notice.Level, _ text: String) {
        let notice = Notice(level: level, text: text)
        guard notice != lastNotice else { return }
        lastNotice = notice
        notices.append(notice)
    }
}

/// Vigna's SplitMix64: small, seedable, good enough to spread retries.
struct SplitMix64: RandomNumberGenerator, Sendable {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
