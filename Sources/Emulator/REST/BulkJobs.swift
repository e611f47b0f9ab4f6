/// The query jobs of Bulk API 2.0. Pure: a job is as far as the time that passed since it was made.
struct BulkJobs: Sendable {
    enum State: String, Sendable {
        case uploadComplete = "UploadComplete"
        case inProgress = "InProgress"
        case complete = "JobComplete"
        case failed = "Failed"
        case aborted = "Aborted"

        var isOver: Bool { self != .uploadComplete && self != .inProgress }
    }

    struct Job: Sendable {
        let id: String
        /// `query`, `queryAll`
        let operation: String
        let entity: String
        let columns: [RESTField]
        /// As they were when the job was made.
        let rows: [RecordTable.Record]
        let format: BulkCSV.Format
        /// Epoch milliseconds.
        let createdAt: Int64
        /// Why it fails; nil if it does not.
        let failure: String?
        var isAborted = false

        /// - Parameter now: epoch milliseconds.
        func state(at now: Int64) -> State {
            if isAborted { return .aborted }
            if now - createdAt < BulkJobs.queued { return .uploadComplete }
            if now - createdAt < BulkJobs.queued + BulkJobs.running { return .inProgress }
            return failure == nil ? .complete : .failed
        }
    }

    /// The oldest is forgotten when there are more.
    static let maximum = 50
    /// Milliseconds before a job begins, and until it ends.
    static let queued: Int64 = 200
    static let running: Int64 = 600

    /// Oldest first.
    private(set) var all: [Job] = []
    private var made: UInt64 = 0

    subscript(id: String) -> Job? {
        // The short form, without its check characters, names the same job.
        all.first { $0.id == id || (id.utf8.count == 15 && $0.id.hasPrefix(id)) }
    }

    mutating func newID() -> String {
        made += 1
        return SalesforceID.make(prefix: "750", number: made)
    }

    mutating func add(_ job: Job) {
        all.append(job)
        if all.count > Self.maximum { all.removeFirst() }
    }

    mutating func abort(_ job: Job) {
        guard let index = all.firstIndex(where: { $0.id == job.id }) else { return }
        all[index].isAborted = true
    }

    mutating func delete(_ job: Job) { all.removeAll { $0.id == job.id } }
}
