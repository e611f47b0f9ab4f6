/// What a run that completed with record errors means for the deliveries it was run for.
package enum RecordErrorPolicy: String, Sendable, CaseIterable {
    /// Done: integrator.io keeps those records, and retries them.
    case keep
    /// Not done: the window runs again, as after a failed run. For flows that upsert.
    case rerun
}
