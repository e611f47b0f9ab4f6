/// Which events of a record are in what was read of it.
///
/// A change is written before it is committed, so events up to the time of the last modification are certainly in the
/// record; an event of that very change comes again behind it, which changes nothing. Most objects tell that time in whole
/// seconds: then it is the end of that second that counts, and only if the second was well over when the record was read.
enum SnapshotCoverage: Equatable {
    /// Everything that was committed then or before; epoch milliseconds.
    case until(Int64)
    /// More changes of that second may have followed, or not: the record has to be read again, later.
    case unsettled

    /// How long before the read the last change must lie; more than our clock and Salesforce's may differ beyond what is
    /// known of it.
    static let settle: Int64 = 5_000

    /// - Parameters:
    ///   - modified: what the record says; nil if it does not: then every event is newer.
    ///   - readAt: before the read began, by a clock that is not ahead of Salesforce's.
    static func of(modified: Int64?, readAt: Int64) -> SnapshotCoverage {
        guard let modified, modified % 1000 == 0 else { return .until(end(of: modified)) }
        return readAt - modified >= settle ? .until(end(of: modified)) : .unsettled
    }

    /// The last moment that a time stands for: times are told in whole seconds, or in milliseconds.
    static func end(of modified: Int64?) -> Int64 {
        guard let modified else { return .min }
        return modified % 1000 == 0 ? modified + 999 : modified
    }

    /// For a record that changes every second, for minutes: its events of that second come once more, behind it.
    static func loosely(modified: Int64?) -> Int64 { modified.map { $0 - 1 } ?? .min }
}
