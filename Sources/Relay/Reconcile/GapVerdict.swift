/// Which of a record's events are in what was read of it, or when it has to be read again to tell. No clocks.
///
/// An event that was received before the read began was committed before it, and so is in what was read. Of those that
/// came later, the time of the record's last modification tells; most objects tell it in whole seconds.
enum GapVerdict: Equatable {
    /// Later events up to this commit time are in what was read; epoch milliseconds.
    case covered(until: Int64)
    case again(at: Int64)

    /// Between the end of the doubtful seconds and the next read.
    static let margin: Int64 = 500
    /// After so many reads, two minutes, of a record that changes all the time, its events of one second come once more
    /// behind it.
    static let maximumReads = 24

    /// - Parameters:
    ///   - modified: what the record says; nil if it does not.
    ///   - readAt: before the read began, by a clock that is not ahead of Salesforce's.
    ///   - reads: that were made of it, this one included.
    ///   - later: commit times of its events that were received since the read began, in their order.
    static func of(modified: Int64?, readAt: Int64, reads: Int, later: [Int64]) -> GapVerdict {
        switch SnapshotCoverage.of(modified: modified, readAt: readAt) {
        case .until(let time): return .covered(until: time)
        case .unsettled: break
        }
        guard let modified else { preconditionFailure("what tells no time is settled") }
        let end = modified + 999
        // A record's events come in the order of their commits: with one behind that second, all of that second are here.
        if let last = later.last, last > end, !later.contains(where: { modified...end ~= $0 }) {
            return .covered(until: end)
        }
        guard reads < maximumReads else { return .covered(until: SnapshotCoverage.loosely(modified: modified)) }
        return .again(at: modified + SnapshotCoverage.settle + margin)
    }
}
