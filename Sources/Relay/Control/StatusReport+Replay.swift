import Store

extension StatusReport {
    package struct Replay: Sendable, Codable {
        package var id: String
        package var state: String
        package var detail: String
        package var topics: [String]
        package var events: Int
        package var deliveries: Int
        /// Deliveries that could not be built.
        package var failures: Int
        /// How much of it is done, 0…1; nil where nothing tells.
        package var fraction: Double?
        package var createdAt: Int64
        package var updatedAt: Int64

        init(_ view: ReplayView) {
            id = view.id
            state = view.state.rawValue
            detail = view.detail
            topics = view.topics.map(\.topic)
            events = view.events
            deliveries = view.deliveries
            failures = view.failures
            fraction = view.fraction
            createdAt = view.createdAt.milliseconds
            updatedAt = view.updatedAt.milliseconds
        }

        /// Whether it is not at its end, or failed within a day.
        static func isShown(_ record: ReplayRecord, now: Int64) -> Bool {
            !record.state.isFinal || record.state == .failed && now - record.updatedAt < Backfill.shown
        }
    }
}
