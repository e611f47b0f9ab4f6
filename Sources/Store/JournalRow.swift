import Events

/// A raw response in the journal, with its place there.
package struct JournalRow: Sendable, Equatable {
    package var id: Int64
    package var entry: JournalEntry
}

/// What the journal holds of one topic.
package struct JournalSpan: Sendable, Equatable, Codable {
    package var firstRow: Int64
    package var lastRow: Int64
    /// When these were received, epoch milliseconds.
    package var firstReceivedAt: Int64
    package var lastReceivedAt: Int64
    package var rows: Int
    package var events: Int
}
