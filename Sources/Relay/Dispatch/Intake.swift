/// Whether it pays to wait a moment before more is taken in for a destination: a delivery that is acknowledged before
/// the next commit is never written. Counts from commit to commit; no clock.
struct Intake {
    /// Deliveries that a destination should have at hand beside those under way, so that it never runs dry.
    static let reserve = 64

    /// Accepted, and neither resolved nor on their way to the store.
    private(set) var young = 0
    /// Resolved since the last commit began, and in the interval before it.
    private var resolved = 0
    private var resolvedBefore = 0

    mutating func accepted() { young += 1 }

    mutating func resolved(_ entry: OutboxEntry) {
        resolved += 1
        if entry.storage == .unwritten { young = max(0, young - 1) }
    }

    /// What is young is written now.
    mutating func committing() {
        young = 0
        resolvedBefore = resolved
        resolved = 0
    }

    /// More is at hand than is needed, but so little that it is gone within about half the time between two commits.
    /// What a slow or dead destination has is written instead: nobody waits for that.
    func isWorthWaiting(concurrency: Int) -> Bool {
        let spare = young - Self.reserve - 2 * concurrency
        return spare > 0 && spare <= max(resolved, resolvedBefore) / 2
    }
}
