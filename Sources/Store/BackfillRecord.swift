/// A snapshot, or a re-read, as the table holds it: it outlives the process, and goes on by itself.
package struct BackfillRecord: Sendable, Equatable {
    package typealias State = ReplayRecord.State

    /// `bf` and eight hex digits.
    package var id: String
    /// What is read, as JSON.
    package var plan: [UInt8]
    package var state: State
    /// Why, in plain words; may be empty.
    package var detail: String
    package var progress = BackfillProgress()
    /// Marks of its records are not needed any more, and gone.
    package var isSettled = false
    /// Times are epoch milliseconds.
    package var createdAt: Int64
    package var updatedAt: Int64

    package init(id: String, plan: [UInt8], state: State = .running, detail: String = "", createdAt: Int64) {
        self.id = id
        self.plan = plan
        self.state = state
        self.detail = detail
        self.createdAt = createdAt
        updatedAt = createdAt
    }
}

/// How far it is. Written once everything before is acknowledged or stored.
package struct BackfillProgress: Sendable, Equatable, Codable {
    /// Every record up to this ID was handed over, but for `late`.
    package var afterID: String?
    /// A bulk query reads the records; nil while none does.
    package var bulk: BulkPlace?
    /// Records that had changed too short before they were read: they are read again.
    package var late: [String] = []
    /// The same of deleted ones; nil in what an earlier version wrote.
    package var lateDeleted: [String]?
    /// All records were read; a re-read goes on with what was deleted.
    package var isReadingDeleted = false
    package var records = 0
    package var deleted = 0
    package var deliveries = 0
    /// Deliveries that could not be rendered.
    package var failures = 0
    /// Records there were at the beginning, where it could be counted.
    package var expected: Int?
    /// Epoch milliseconds.
    package var beganAt: Int64?
    package var endedAt: Int64?

    package init() {}
}

/// Where a backfill is in the results of a bulk query.
package struct BulkPlace: Sendable, Equatable, Codable {
    /// Salesforce's ID of the job.
    package var job: String
    /// By our clock, before it was asked for: what it finds is no older. Epoch milliseconds.
    package var askedAt: Int64
    /// How many jobs this backfill has had, this one included.
    package var number: Int
    /// Where the next page of results begins; nil is the first.
    package var locator: String?
    /// Rows of that page that were handed over already.
    package var taken = 0

    package init(job: String, askedAt: Int64, number: Int) {
        self.job = job
        self.askedAt = askedAt
        self.number = number
    }
}
