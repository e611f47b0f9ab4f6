/// How the runs of one flow stand, for people. Times are epoch milliseconds.
package struct FlowRunStatus: Sendable, Equatable {
    package enum Phase: Sendable, Equatable {
        case idle
        /// Claims are gathered, or something must pass before a run.
        case gathering(until: Int64)
        /// The window is written down and the run is being started.
        case starting
        /// It is not known whether the run was started; the jobs list will tell.
        case searching
        case running(jobs: [String])
    }

    package var flow: String
    package var phase: Phase
    package var waiting: Int
    /// Claims of the run that is under way.
    package var claimed: Int
    package var failures: Int
    /// When the window of the run that is under way was written down.
    package var since: Int64?
    package var covered: Int64?
    /// Why runs are tried slowly: somebody has to mend something.
    package var pausedFor: String?
    /// Since when nothing succeeds.
    package var failingSince: Int64?
    /// The last thing worth telling.
    package var notice: String
}

extension FlowRunStatus {
    /// When the next run is due, unless one is under way.
    package var due: Int64? {
        if case .gathering(let until) = phase { until } else { nil }
    }
}

extension FlowRunPlan {
    package var status: FlowRunStatus {
        FlowRunStatus(
            flow: flow, phase: phase, waiting: waiting.count, claimed: state.run?.claims.count ?? 0,
            failures: state.failures, since: state.run?.writtenAt, covered: state.covered,
            pausedFor: pausedFor, failingSince: state.failingSince, notice: lastNotice?.text ?? pausedFor ?? "")
    }

    private var phase: FlowRunStatus.Phase {
        guard let run = state.run else {
            return waiting.isEmpty ? .idle : .gathering(until: max(dueAt, state.nextAllowed, retryAt))
        }
        if !run.jobs.isEmpty { return .running(jobs: run.jobs) }
        return mayPost ? .starting : .searching
    }
}
