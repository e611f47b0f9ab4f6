/// What may be missing, or that nothing is: said once, kept for `status`.
package struct LossStatement: Sendable, Equatable {
    /// The kind of a statement about an operator who moved a cursor.
    package static let moved = "cursorMoved"
    /// The kind of a statement about events that may be missing.
    package static let gap = "possibleGap"
    /// The kind of a statement about an object whose fields are others than before.
    package static let schemaChange = "schemaChange"

    package var at: Int64
    package var key: Cursor.Key
    /// `nothingLost`, `possibleGap`, `cursorMoved` or `schemaChange`.
    package var kind: String
    package var text: String
    /// Between which commit times events may be missing, epoch milliseconds; nil where that is not known.
    package var lostFrom: Int64?
    package var lostUntil: Int64?

    package init(
        at: Int64, key: Cursor.Key, kind: String, text: String, lostFrom: Int64? = nil, lostUntil: Int64? = nil
    ) {
        self.at = at
        self.key = key
        self.kind = kind
        self.text = text
        self.lostFrom = lostFrom
        self.lostUntil = lostUntil
    }
}

/// How often a kind of statement was made about a topic since the store began: a counter for metrics.
package struct LossCount: Sendable, Equatable {
    package var key: Cursor.Key
    package var kind: String
    package var count: Int
    package var lastAt: Int64
}
