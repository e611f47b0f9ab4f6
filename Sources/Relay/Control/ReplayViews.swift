import FoundationEssentials
import Store

/// Puts together how replays are: from the store, and of those that run in this process as they are at this moment.
struct ReplayViews: Sendable {
    let store: Store
    /// Nil while no daemon runs.
    let service: ReplayService?

    /// - Returns: nil if its plan was written by another version of sluice.
    func view(_ record: ReplayRecord) async throws(StoreError) -> ReplayView? {
        guard let plan = try? JSONDecoder().decode(ReplayPlan.self, from: Data(record.plan)) else { return nil }
        let positions = try await store.replayPositions(record.id)
        let live = await service?.tracker(record.id)
        let topics = plan.topics.map { topic in
            let position = positions.first { $0.key == topic.key(of: record.id) }
            return ReplayView.Topic(
                org: topic.org, topic: topic.topic, source: topic.source,
                progress: live?.progress[topic.liveKey] ?? position?.progress ?? ReplayProgress(),
                expectedEvents: topic.expectedEvents,
                lastTime: (live?.times[topic.liveKey] ?? position?.commitTime).map(ControlTime.init))
        }
        return ReplayView(
            id: record.id, state: record.state, detail: await detail(record, live),
            createdAt: ControlTime(record.createdAt), updatedAt: ControlTime(record.updatedAt), topics: topics,
            rules: plan.rules, destinations: plan.destinations, limit: plan.limit, rate: plan.rate,
            statements: plan.statements)
    }

    private func detail(_ record: ReplayRecord, _ live: ReplayTracker.Snapshot?) async -> String {
        guard record.state == .running else { return record.detail }
        guard let service else { return "goes on with the next `sluice run`" }
        if await service.waits(record.id) { return "waits for other replays" }
        return live?.waits ?? ""
    }
}
