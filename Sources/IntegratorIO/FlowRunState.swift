import FoundationEssentials

/// What is on disk about the runs of one flow. All times are epoch milliseconds.
package struct FlowRunState: Codable, Sendable, Equatable {
    /// A run from the moment its window is written down until its jobs have ended.
    package struct Run: Codable, Sendable, Equatable {
        package var from: Int64
        package var until: Int64
        package var exports: [String]
        /// The deliveries that are done when this run is.
        package var claims: [String]
        package var writtenAt: Int64
        /// Creation of the newest job that was there before, by integrator.io's clock.
        package var newestBefore: Int64?
        package var jobsBefore: [String]
        /// Since when a job of the run, or one that may be, is known to be open.
        package var openedAt: Int64?
        /// Empty until integrator.io has named them.
        package var jobs: [String] = []
        /// An earlier version took listed jobs for the run's own; they are looked for anew.
        package var adopted = false
        /// integrator.io took our call, and named no job.
        package var accepted: Bool?
    }

    package var version = 1
    /// Everything that was claimed up to here lies in the window of a completed run.
    package var covered: Int64?
    package var run: Run?
    /// Runs that failed since the last one that completed.
    package var failures = 0
    /// Completed runs in a row that met no record; nil for none.
    package var empty: Int?
    /// Runs in a row of which nobody knows whether they were ours; nil for none.
    package var unproven: Int?
    /// Set while nothing succeeds; the horizon of waiting claims counts from here. The time that jobs are open is left out.
    package var failingSince: Int64?
    package var nextAllowed: Int64 = 0
    /// Why runs are tried slowly: somebody has to mend something. Nil when one was taken since.
    package var pausedFor: String?
    /// Claims of the last completed run, in case their deliveries come again after a crash.
    package var finished: [String] = []
    /// What became of that run, in words.
    package var report: String?
    /// Jobs of our last runs, newest last: none of them is taken for a later run.
    package var lastJobs: [String]?
    /// Creation of the newest job that was seen, by integrator.io's clock: a later run has a later one.
    package var newestJob: Int64?

    package init() {}

    mutating func remember(_ jobs: [String], atMost limit: Int) {
        let known = lastJobs ?? []
        lastJobs = Array((known.filter { !jobs.contains($0) } + jobs).suffix(limit))
    }

    mutating func saw(_ jobs: [IntegratorJob]) {
        newestJob = (jobs.compactMap(\.createdAt) + [newestJob].compactMap(\.self)).max()
    }

    package func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return Array(try encoder.encode(self))
    }

    package init(json: [UInt8]) throws {
        self = try JSONDecoder().decode(Self.self, from: Data(json))
    }
}
