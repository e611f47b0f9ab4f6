import Events
import FoundationEssentials
import Store

/// What the routes of replays do, with and without a daemon.
struct ReplayDesk: Sendable {
    let store: Store
    let orgs: ReplayOrgs
    let rules: CurrentRules
    let service: ReplayService?
    let time: TimeSource

    private var planner: ReplayPlanner {
        let rules = rules.current
        return ReplayPlanner(
            store: store, knownRules: rules.ruleIDs, knownDestinations: Array(rules.destinations.keys),
            now: time.wall())
    }

    /// What was received up to now is to be in it, so it is written first.
    private func plan(_ request: ReplayRequest) async throws(ControlError) -> ReplayPlan {
        await service?.write()
        return try await planner.plan(request)
    }

    func preview(_ request: ReplayRequest) async throws(ControlError) -> ReplayPreview {
        let plan = try await plan(request)
        let counts = plan.topics.map(\.expectedEvents)
        let expected = counts.contains(nil) ? nil : counts.compactMap { $0 }.reduce(0, +)
        return ReplayPreview(
            plan: plan, expectedEvents: expected.map { min($0, plan.limit ?? .max) }, startsNow: service != nil)
    }

    func dryRun(_ request: ReplayRequest) async throws(ControlError) -> ReplayDryRun {
        let plan = try await plan(request)
        return try await ReplayRehearsal(store: store, orgs: orgs, rules: rules.current, time: time).run(plan)
    }

    func start(_ request: ReplayRequest) async throws(ControlError) -> ReplayView {
        let plan = try await plan(request)
        guard let json = try? JSONEncoder().encode(plan) else { preconditionFailure("a plan without a JSON form") }
        var generator = SystemRandomNumberGenerator()
        let now = time.wall()
        let record = ReplayRecord(
            id: ReplayedDelivery.newReplay(using: &generator), plan: [UInt8](json), state: .running, detail: "",
            createdAt: now, updatedAt: now)
        try await begin(record)
        return try await view(record)
    }

    func list() async throws(ControlError) -> [ReplayView] {
        let store = store
        var views: [ReplayView] = []
        for record in try await stored({ () async throws(StoreError) in try await store.replays() }) {
            views.append(try await view(record))
        }
        return views
    }

    func resume(_ id: String) async throws(ControlError) -> ReplayView {
        let record = try await record(id)
        guard !record.state.isFinal || record.state == .failed else {
            throw ControlError(
                .badInput, "the replay \(record.id) is \(record.state.rawValue) and does not go on; ask for a new one.")
        }
        try await begin(record)
        return try await view(self.record(record.id))
    }

    func end(
        _ id: String, as state: ReplayRecord.State, _ detail: String
    ) async throws(ControlError) -> ReplayView {
        let record = try await record(id)
        guard !record.state.isFinal else {
            throw ControlError(.badInput, "the replay \(record.id) is \(record.state.rawValue) already.")
        }
        let (store, service, now) = (store, service, time.wall())
        try await stored { () async throws(StoreError) in
            if let service { return try await service.end(record, as: state, detail) }
            var record = record
            record.state = state
            record.detail = detail
            record.updatedAt = now
            try await store.save(record)
        }
        return try await view(self.record(record.id))
    }

    private func begin(_ record: ReplayRecord) async throws(ControlError) {
        let (store, service) = (store, service)
        try await stored { () async throws(StoreError) in
            if let service { return try await service.begin(record) }
            var record = record
            record.state = .running
            record.detail = ""
            try await store.save(record)
        }
    }

    func record(_ name: String) async throws(ControlError) -> ReplayRecord {
        let store = store
        let all = try await stored { () async throws(StoreError) in try await store.replays() }
        return try RunName.find(name, in: all, id: \.id, kind: "replay", prefix: "rp")
    }

    // MARK: Views

    func view(_ record: ReplayRecord) async throws(ControlError) -> ReplayView {
        let views = ReplayViews(store: store, service: service)
        guard let view = try await stored({ () async throws(StoreError) in try await views.view(record) }) else {
            throw ControlError(.failed, "the plan of \(record.id) was written by another version of sluice.")
        }
        return view
    }
}
