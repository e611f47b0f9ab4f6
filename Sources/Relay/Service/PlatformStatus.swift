import Events
import FlowMate
import IntegratorIO

/// What a destination of a platform tells beyond its deliveries.
package struct PlatformStatus: Sendable {
    /// integrator.io: the runs of its flows.
    package var runs: [FlowRunStatus] = []
    /// integrator.io: its listeners, as far as they can be checked.
    package var listeners: [ListenerStatus] = []
    /// FlowMate: whether retries run at most once.
    package var echo: FlowMateEcho?
    /// FlowMate: days on which less was executed than accepted.
    package var losses: [String] = []
}

extension RulesLoader {
    /// By destination. Asks runners and sinks, which answer between two calls of theirs.
    func platforms(_ tally: AcceptedTally) async -> [String: PlatformStatus] {
        var found: [String: PlatformStatus] = [:]
        for entry in entries {
            var status = PlatformStatus()
            if let runner = entry.ready.runner { status.runs = await runner.status() }
            if let watch = entry.ready.watch { status.listeners = await watch.status() }
            if let sink = entry.ready.sink as? FlowMateSink {
                status.echo = await sink.echo
                status.losses = tally.counts(of: entry.ready.name).all.flatMap(\.counts.shortfalls)
            }
            found[entry.ready.name] = status
        }
        return found
    }
}

extension StatusReport {
    /// Runs of one integrator.io flow.
    package struct Run: Sendable, Codable {
        package var flow: String
        /// `idle`, `gathering`, `starting`, `searching` or `running`.
        package var phase: String
        /// Of the run that is under way.
        package var jobs: [String]
        /// Since when, epoch milliseconds.
        package var since: Int64?
        /// When the next run is due.
        package var due: Int64?
        package var waiting: Int
        package var claimed: Int
        package var failures: Int
        /// Everything that changed up to here lies in the window of a completed run.
        package var covered: Int64?
        package var notice: String

        init(_ status: FlowRunStatus) {
            flow = status.flow
            (phase, jobs, due) =
                switch status.phase {
                case .idle: ("idle", [], nil)
                case .gathering: ("gathering", [], status.due)
                case .starting: ("starting", [], nil)
                case .searching: ("searching", [], nil)
                case .running(let jobs): ("running", jobs, nil)
                }
            since = status.since
            waiting = status.waiting
            claimed = status.claimed
            failures = status.failures
            covered = status.covered
            notice = status.notice
        }
    }

    /// A listener of integrator.io.
    package struct Listener: Sendable, Codable {
        package var name: String
        /// `open`, `held` while what is posted would be lost, or `unchecked`.
        package var state: String
        /// Why, or what is odd.
        package var detail: String
        /// When integrator.io last said how it is, epoch milliseconds.
        package var checkedAt: Int64?

        init(_ status: ListenerStatus) {
            name = status.listener
            checkedAt = status.checkedAt
            (state, detail) =
                switch status.state {
                case .unchecked: ("unchecked", status.remark)
                case .open: ("open", status.remark)
                case .closed(let reason): ("held", reason)
                }
        }
    }

    mutating func add(_ platforms: [String: PlatformStatus]) {
        for index in destinations.indices {
            guard let status = platforms[destinations[index].name] else { continue }
            destinations[index].runs = status.runs.map(Run.init)
            destinations[index].listeners = status.listeners.map(Listener.init)
            destinations[index].echo = status.echo?.rawValue
            destinations[index].losses = status.losses
            addPauses(of: status.runs, at: index)
        }
    }

    /// A flow that somebody has to mend holds its destination as a receiver does that is down.
    private mutating func addPauses(of runs: [FlowRunStatus], at index: Int) {
        let paused = runs.filter { $0.pausedFor != nil }
        guard let reason = paused.first?.pausedFor else { return }
        let others = paused.count > 1 ? "; and so \(paused.count - 1) more of its flows" : ""
        if destinations[index].state == "ok" {
            destinations[index].state = "held"
            destinations[index].since = paused.compactMap(\.failingSince).min()
            destinations[index].nextTry = paused.compactMap(\.due).min()
        }
        let known = destinations[index].detail
        destinations[index].detail = (known.isEmpty ? "" : known + "; ") + reason + others
    }
}
