/// The numbers of `FlowRunPlan`, in milliseconds where not said otherwise.
package struct FlowRunLimits: Sendable, Equatable {
    /// Windows begin so much earlier: a record's own modification time may precede its commit, and lower bounds
    /// exclude.
    package var overlap: Int64 = 300_000
    /// More claims than this wait for the next run.
    package var claimsPerRun = 20_000
    /// A window that ends further ahead of our clock means that the clocks disagree.
    package var clockTolerance: Int64 = 5_000
    /// "No open run" is believed for so long.
    package var latestIsFresh: Int64 = 10_000
    /// What is known of a flow (is it enabled, what does it export) is believed for so long.
    package var flowIsFresh: Int64 = 600_000
    /// A job that is queued for so long makes one ask why, and then again after as long.
    package var queuedIsLong: Int64 = 120_000
    package var queuedAskedAgain: Int64 = 3_600_000
    /// A window that could not be saved and posted in so long is made anew.
    package var windowIsFresh: Int64 = 60_000
    package var pollFirst: Int64 = 5_000
    package var pollCeiling: Int64 = 60_000
    /// Between an unknown answer and the first look for the job, and between the looks.
    package var searchFirst: Int64 = 5_000
    package var searchAgain: Int64 = 15_000
    /// After so many fruitless looks, the run counts as never received.
    package var searches = 2
    /// After so many runs in a row of which nobody knows whether they were ours, the claims count as done.
    package var unprovenRuns = 3
    /// A job may be ours only if it was created so soon after the window was written down.
    package var adoptionSpan: Int64 = 180_000
    /// How far integrator.io's clock may be behind ours when no earlier job tells.
    package var clockSkew: Int64 = 120_000
    /// Where the latest jobs are not shown, the list of those created in so long stands in for them.
    package var jobsLookBack: Int64 = 86_400_000
    /// So many jobs of our own, and of those that were there before a run, are kept in the saved state.
    package var jobsRemembered = 100
    /// So many completed runs in a row that met no record are worth a warning: perhaps the window is not taken.
    package var emptyRuns = 3
    package var transientBase: Int64 = 2_000
    package var transientCeiling: Int64 = 300_000
    package var failureBase: Int64 = 30_000
    package var failureCeiling: Int64 = 900_000
    /// So many failed runs in a row raise an alarm, and runs are tried slowly from then on.
    package var failuresBeforeAlarm = 5
    package var slowRetry: Int64 = 1_800_000
    package var credentialPause: Int64 = 900_000
    package var flowPause: Int64 = 600_000
    /// When `429` comes without `Retry-After`.
    package var rateLimitPause: Int64 = 30_000
    /// No announced or computed wait is longer, whatever clock or peer says.
    package var longestWait: Int64 = 86_400_000

    package init() {}
}
