import Events

/// One event to publish: a change of one or more records, or a platform event.
package struct EmulatedChange: Sendable, Equatable {
    /// `Account`, or a platform event's API name, for which change and IDs have no meaning.
    package var entity: String
    package var change: ChangeType
    /// Several make one merged event. An overflow has `EmulatedChange.overflowID`, a wildcard ends in `*`.
    package var recordIDs: [String]
    /// What the event tells. In an update `.null` means "set to null"; a record value for a compound field names the
    /// components that changed.
    package var fields: Fields
    /// Fields that are sent but are not part of the change, as channel enrichment does.
    package var enriched: Fields

    package static let overflowID = "000000000000000AAA"

    package init(
        entity: String, change: ChangeType = .update, recordIDs: [String] = [], fields: Fields = [:],
        enriched: Fields = [:]
    ) {
        self.entity = entity
        self.change = change
        self.recordIDs = recordIDs
        self.fields = fields
        self.enriched = enriched
    }
}

/// What the commit adds to a change.
struct CommitStamp: Sendable, Equatable {
    var transactionKey: String
    /// From 1 inside the transaction.
    var sequenceNumber: Int32
    /// Epoch milliseconds.
    var timestamp: Int64
    var number: Int64
    var user: String
    /// For example `com/salesforce/api/rest/66.0;client=sluice-emulator`; empty for internal jobs.
    var origin: String
}
