import Store

extension StatusReport {
    package struct Backfill: Sendable, Codable {
        /// How long a failed one is shown, in milliseconds.
        static let shown: Int64 = 86_400_000

        package var id: String
        package var org: String
        /// `snapshot of Account`
        package var title: String
        package var cause: String
        package var state: String
        package var detail: String
        package var records: Int
        package var deleted: Int
        /// Records there were at the beginning, where it could be counted.
        package var expected: Int?
        package var updatedAt: Int64

        /// Nil for one that need not be shown.
        init?(_ record: BackfillRecord, now: Int64) {
            let isNews = record.state == .failed && now - record.updatedAt < Self.shown
            guard !record.state.isFinal || isNews, let plan = BackfillService.plan(of: record) else { return nil }
            id = record.id
            org = plan.org
            title = plan.title
            cause = plan.cause
            state = record.state.rawValue
            detail = record.detail
            records = record.progress.records
            deleted = record.progress.deleted
            expected = record.progress.expected
            updatedAt = record.updatedAt
        }
    }
}
