import Events

/// Starts a run and watches it to its end, as a person at a terminal wants it.
package struct RunFollower: Sendable {
    /// How often a job is asked for: soon at first, since most runs are short.
    package static let firstPoll: Duration = .seconds(5)
    package static let slowestPoll: Duration = .seconds(60)
    /// Answers in a row that are no job, until the run is left to itself.
    package static let maximumTroubles = 20
    /// Looks for the job of a run whose answer was lost, each after a longer wait.
    static let searches: [Duration] = [.seconds(2), .seconds(5), .seconds(15)]

    package enum Progress: Sendable, Equatable {
        case job(IntegratorJob)
        case trouble(String)
    }

    package struct Started: Sendable, Equatable {
        package var jobs: [String]
        /// The answer named no job, and these appeared: they could also be somebody else's.
        package var isAdopted = false
    }

    private let client: IntegratorClient
    private let time: TimeSource

    package init(_ client: IntegratorClient, time: TimeSource) {
        self.client = client
        self.time = time
    }

    /// Posts a run, once. A lost answer is looked up in the flow's jobs, never posted again.
    ///
    /// - Parameters:
    ///   - queueing: how long to wait for a place in the flow's queue, which holds one run; nil for as long as it takes.
    ///   - report: called when the queue is found to be full.
    /// - Returns: no jobs when the run was taken and cannot be found.
    package func start(
        flow: String, _ body: RunBody, queueing: Duration? = .zero, report: @Sendable (Progress) -> Void = { _ in }
    ) async throws(IntegratorFailure) -> Started {
        let start = time.monotonic()
        var wait = Self.firstPoll
        while true {
            let full: IntegratorFailure
            do {
                return try await post(flow: flow, body)
            } catch {
                guard error.kind == .busy else { throw error }
                full = error
            }
            if let queueing, time.monotonic() - start + wait > queueing { throw full }
            if wait == Self.firstPoll { report(.trouble("a run of the flow is queued already")) }
            do { try await time.sleep(wait) } catch { throw full }
            wait = min(wait * 3 / 2, Self.slowestPoll)
        }
    }

    private func post(flow: String, _ body: RunBody) async throws(IntegratorFailure) -> Started {
        let before = Set(try await client.latestJobs(flow: flow).map(\.id))
        let lost: IntegratorFailure?
        do {
            let jobs = try await client.run(flow: flow, body)
            if !jobs.isEmpty { return Started(jobs: jobs) }
            lost = nil
        } catch {
            guard error.kind == .unknown else { throw error }
            lost = error
        }
        for wait in Self.searches {
            do { try await time.sleep(wait) } catch { break }
            let jobs = (try? await client.latestJobs(flow: flow)) ?? []
            let fresh = jobs.filter { !before.contains($0.id) && $0.isRun }.map(\.id)
            if !fresh.isEmpty { return Started(jobs: fresh, isAdopted: true) }
        }
        if let lost { throw lost }
        return Started(jobs: [], isAdopted: true)
    }

    /// Watches jobs until all have ended.
    ///
    /// - Parameters:
    ///   - patience: nil for as long as it takes; runs behind an offline connection wait for hours.
    ///   - report: called with each change.
    package func follow(
        _ ids: [String], patience: Duration? = nil, report: @Sendable (Progress) -> Void
    ) async throws(IntegratorFailure) -> RunResult {
        let start = time.monotonic()
        var result = RunResult(open: ids)
        var wait = Self.firstPoll
        var troubles = 0
        while true {
            for id in result.open {
                do {
                    let job = try await client.job(id)
                    troubles = 0
                    if result.take(job) { report(.job(job)) }
                } catch {
                    if error.kind == .missing {
                        result.lose(id)
                    } else {
                        troubles += 1
                        guard Self.passes(error.kind), troubles <= Self.maximumTroubles else { throw error }
                        report(.trouble(error.description))
                    }
                }
            }
            guard !result.open.isEmpty else { return result }
            if let patience, time.monotonic() - start + wait > patience { return result }
            do { try await time.sleep(wait) } catch { return result }
            wait = min(wait * 3 / 2, Self.slowestPoll)
        }
    }

    private static func passes(_ kind: IntegratorFailureKind) -> Bool {
        switch kind {
        case .retry, .unknown, .rateLimited: true
        default: false
        }
    }
}

/// What became of the jobs of one run.
package struct RunResult: Sendable, Equatable {
    package enum Outcome: String, Sendable {
        case completed
        /// The run went through; some records did not, and integrator.io keeps them.
        case completedWithErrors
        case failed
        case canceled
        /// Still queued or running when patience ended.
        case open
        /// integrator.io no longer knows a job of it.
        case lost
    }

    /// In order of their end.
    package private(set) var ended: [IntegratorJob] = []
    package private(set) var open: [String]
    package private(set) var lost: [String] = []
    private var seen: [String: IntegratorJob] = [:]

    init(open: [String]) { self.open = open }

    /// - Returns: whether it is news.
    mutating func take(_ job: IntegratorJob) -> Bool {
        defer { seen[job.id] = job }
        if !job.status.isOpen {
            open.removeAll { $0 == job.id }
            ended.append(job)
        }
        return seen[job.id] != job
    }

    mutating func lose(_ id: String) {
        open.removeAll { $0 == id }
        lost.append(id)
    }

    package var outcome: Outcome {
        if !open.isEmpty { return .open }
        if ended.contains(where: { $0.status == .failed }) { return .failed }
        if ended.contains(where: { $0.status == .canceled }) { return .canceled }
        if !lost.isEmpty { return .lost }
        return ended.contains { $0.errors > 0 } ? .completedWithErrors : .completed
    }

    /// Records that the sources gave, as far as integrator.io counts them.
    package var exported: Int { ended.reduce(0) { $0 + max($1.exported, $1.successes) } }
    package var errors: Int { ended.reduce(0) { $0 + $1.errors } }
    package var successes: Int { ended.reduce(0) { $0 + $1.successes } }
}
