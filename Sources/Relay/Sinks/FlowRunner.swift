import Events
import IntegratorIO
import Logging

/// Runs the flows of one integrator.io destination: performs what each flow's `FlowRunPlan` decides.
///
/// One action per flow at a time, flows beside each other. A claim leaves the outbox only through `DeliveryOutcomes`.
package actor FlowRunner: RunCollector {
    private struct Flow {
        var plan: FlowRunPlan
        var isBusy = false
        var timer: Task<Void, Never>?
        /// Uptime at which the timer fires.
        var wakeAt: Int64?
    }

    /// A clock that differs by less was not set, it drifts.
    private static let clockStep: Int64 = 1_000
    private static let loadRetry: Int64 = 5_000

    package let name: String
    private var calls: RunCalls
    private let journal: any RunJournal
    private let outcomes: any DeliveryOutcomes
    private let environment: SinkEnvironment
    private let limits: FlowRunLimits
    private var recordErrors: RecordErrorPolicy
    private var flows: [String: Flow] = [:]
    /// Claims that came before the saved states were read; bounded by the dispatcher's own limit on claims.
    private var early: [Delivery]? = []
    private var isStopped = false
    private var isStarted = false
    private var wallAhead: Int64
    private var seeds: Jitter

    init(
        name: String, calls: RunCalls, journal: any RunJournal, outcomes: any DeliveryOutcomes,
        environment: SinkEnvironment, recordErrors: RecordErrorPolicy = .keep, limits: FlowRunLimits = FlowRunLimits(),
        seed: UInt64? = nil
    ) {
        self.name = name
        self.calls = calls
        self.journal = journal
        self.outcomes = outcomes
        self.environment = environment
        self.limits = limits
        self.recordErrors = recordErrors
        wallAhead = environment.clock.wall() - environment.clock.uptime
        seeds = Jitter(seed: seed)
    }

    /// Reads the saved states and takes up runs that were under way. `add` does it too.
    package func start() {
        guard !isStarted else { return }
        isStarted = true
        Task { await load() }
    }

    package func add(_ delivery: Delivery) {
        start()
        guard early == nil else {
            early?.append(delivery)
            return
        }
        take(delivery)
    }

    /// Starts nothing further. Runs that are under way are taken up at the next start.
    package func stop() {
        isStopped = true
        for flow in flows.values { flow.timer?.cancel() }
    }

    /// Goes on with the settings of another runner of the same destination, which never ran: what is known about runs
    /// stays, calls from now on go where the new settings say, and what was paused is tried with them.
    func adopt(_ fresh: FlowRunner) async {
        calls = await fresh.calls
        recordErrors = await fresh.recordErrors
        for id in flows.keys { flows[id]?.plan.recordErrors = recordErrors }
        tryNow()
    }

    @discardableResult
    package func tryNow() -> [String] {
        let reasons = flows.keys.sorted().compactMap { flows[$0]?.plan.tryNow(at: wall) }
        flows.keys.forEach(pump)
        return reasons
    }

    package func status() -> [FlowRunStatus] {
        flows.values.map(\.plan.status).sorted { $0.flow < $1.flow }
    }

    // MARK: Claims

    private func load() async {
        while !isStopped {
            do {
                let saved = try await journal.runStates(of: name)
                restore(saved)
                let waiting = early ?? []
                early = nil
                waiting.forEach(take)
                // Somebody may have mended it while we were stopped.
                tryNow()
                return
            } catch {
                environment.logger.error("cannot read the saved runs of \(name): \(error); no flow is run until then")
            }
            try? await environment.clock.sleep(untilUptime: environment.clock.uptime + Self.loadRetry)
        }
    }

    private func restore(_ saved: [String: [UInt8]]) {
        for (id, json) in saved {
            do {
                flows[id] = Flow(plan: plan(id, try FlowRunState(json: json)))
            } catch {
                // A run that is still open is seen before the next one is started.
                environment.logger.error("the saved state of flow \(id) of \(name) is unreadable; beginning anew")
            }
        }
    }

    private func plan(_ id: String, _ state: FlowRunState?) -> FlowRunPlan {
        FlowRunPlan(
            flow: id, state: state, at: wall, limits: limits, recordErrors: recordErrors, seed: seeds.next())
    }

    private func take(_ delivery: Delivery) {
        guard case .run(let request) = delivery.target else {
            preconditionFailure("the dispatcher gives only claims on runs to a collector")
        }
        var flow = flows.removeValue(forKey: request.flow) ?? Flow(plan: plan(request.flow, nil))
        flow.plan.add(Self.claim(delivery, request), at: wall)
        flows[request.flow] = flow
        pump(request.flow)
    }

    private static func claim(_ delivery: Delivery, _ request: FlowRunRequest) -> FlowRunPlan.Claim {
        let isForever = delivery.retry.onError == .pause
        return FlowRunPlan.Claim(
            id: delivery.id, request: request, horizon: isForever ? nil : delivery.retry.horizonMilliseconds,
            maximumRuns: isForever ? nil : delivery.retry.maximumAttempts)
    }

    // MARK: Working

    /// Does what the flow's plan wants next, unless it is at it already.
    private func pump(_ id: String) {
        guard !isStopped, flows[id]?.isBusy == false, let action = next(id) else { return }
        if case .wait(let until) = action { return sleep(id, until) }
        flows[id]?.isBusy = true
        Task { await work(id, action) }
    }

    private func work(_ id: String, _ first: FlowRunPlan.Action) async {
        var action = first
        while true {
            if let event = await perform(action, id) { flows[id]?.plan.apply(event, at: wall) }
            guard !isStopped, let following = next(id) else { break }
            action = following
            if case .wait(let until) = action {
                flows[id]?.isBusy = false
                return sleep(id, until)
            }
        }
        flows[id]?.isBusy = false
    }

    private func next(_ id: String) -> FlowRunPlan.Action? {
        noticeClockStep()
        return flows[id]?.plan.next(at: wall)
    }

    private func sleep(_ id: String, _ until: Int64?) {
        guard let until else { return }
        let wakeAt = environment.clock.uptime + max(until - wall, 0)
        // A timer that fires too early only looks again.
        if let current = flows[id]?.wakeAt, current <= wakeAt { return }
        flows[id]?.timer?.cancel()
        flows[id]?.wakeAt = wakeAt
        flows[id]?.timer = Task {
            guard (try? await environment.clock.sleep(untilUptime: wakeAt)) != nil else { return }
            fired(id, wakeAt)
        }
    }

    private func fired(_ id: String, _ wakeAt: Int64) {
        guard flows[id]?.wakeAt == wakeAt else { return }
        flows[id]?.wakeAt = nil
        flows[id]?.timer = nil
        pump(id)
    }

    // MARK: Time

    /// Epoch milliseconds, steady until `noticeClockStep`.
    private var wall: Int64 { environment.clock.uptime + wallAhead }

    private func noticeClockStep() {
        let ahead = environment.clock.wall() - environment.clock.uptime
        let step = ahead - wallAhead
        guard step.magnitude >= Self.clockStep.magnitude else { return }
        wallAhead = ahead
        for id in flows.keys { flows[id]?.plan.clockMoved(by: step) }
    }

    // MARK: Actions

    private func perform(_ action: FlowRunPlan.Action, _ id: String) async -> FlowRunPlan.Event? {
        switch action {
        case .wait: return nil
        case .save(let state): return await save(state, id)
        case .checkFlow(let exports): return .flow(await calls.flow(id, exports: exports))
        case .checkConnections(let exports): return .connections(await calls.offlineConnections(id, exports: exports))
        case .checkLatest: return .latest(await calls.latestJobs(id))
        case .post(let body): return .posted(await calls.run(id, body))
        case .listJobs(let since): return .listed(await calls.jobs(id, since: since))
        case .pollJob(let job): return .polled(await calls.job(job))
        case .finish(let ids):
            if let report = flows[id]?.plan.state.report {
                await outcomes.delivered(ids, report: report)
            } else {
                await outcomes.delivered(ids)
            }
            return .finished(ids)
        case .bury(let ids, let reason):
            await outcomes.dead(ids, note: AttemptNote(reason: reason))
            return .buried
        case .notice(let notice):
            log(notice)
            return nil
        }
    }

    private func save(_ state: FlowRunState, _ id: String) async -> FlowRunPlan.Event {
        do {
            try await journal.saveRunState(try state.json(), destination: name, flow: id)
            return .saved
        } catch {
            return .saveFailed(reason: "\(error)")
        }
    }

    private func log(_ notice: FlowRunPlan.Notice) {
        environment.logger.log(level: notice.level.logLevel, "\(name): \(notice.text)")
    }
}

extension FlowRunPlan.Notice.Level {
    var logLevel: Logger.Level {
        switch self {
        case .info: .info
        case .warning: .warning
        case .alarm: .error
        }
    }
}
