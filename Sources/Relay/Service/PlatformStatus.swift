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
                case .gathering(let until): ("gathering", [], until)
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
        }
    }
}
