import Documents
import Events
import SalesforceREST
import Store

/// What the routes of backfills do, with and without a daemon.
struct BackfillDesk: Sendable {
    let store: Store
    let topics: [Cursor.Key]
    let rules: CurrentRules
    let service: BackfillService?
    let time: TimeSource

    func start(_ request: BackfillRequest) async throws(ControlError) -> BackfillView {
        let plan = try plan(request)
        try await checkObject(plan)
        let store = store
        let present = try await stored { () async throws(StoreError) in try await store.backfills() }
        let twin = present.first { $0.state == .running && BackfillService.plan(of: $0)?.subject == plan.subject }
        if let twin {
            throw ControlError(
                .badInput,
                "\(plan.entity) is being read already (\(twin.id)). Wait for its end, or `sluice backfill cancel \(twin.id)`.")
        }
        var generator = SystemRandomNumberGenerator()
        let record = BackfillRecord(
            id: BackfillService.newID(using: &generator), plan: BackfillService.json(plan), createdAt: time.wall())
        try await begin(record)
        return try await view(record)
    }

    func list() async throws(ControlError) -> [BackfillView] {
        let store = store
        var views: [BackfillView] = []
        for record in try await stored({ () async throws(StoreError) in try await store.backfills() }) {
            views.append(try await view(record))
        }
        return views
    }

    func resume(_ id: String) async throws(ControlError) -> BackfillView {
        let record = try await record(id)
        guard !record.state.isFinal || record.state == .failed else {
            throw ControlError(
                .badInput, "the backfill \(record.id) is \(record.state.rawValue) and does not go on; ask for a new one.")
        }
        try await begin(record)
        return try await view(self.record(record.id))
    }

    func end(
        _ id: String, as state: BackfillRecord.State, _ detail: String
    ) async throws(ControlError) -> BackfillView {
        let record = try await record(id)
        guard !record.state.isFinal else {
            throw ControlError(.badInput, "the backfill \(record.id) is \(record.state.rawValue) already.")
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

    func record(_ name: String) async throws(ControlError) -> BackfillRecord {
        let store = store
        let all = try await stored { () async throws(StoreError) in try await store.backfills() }
        return try RunName.find(name, in: all, id: \.id, kind: "backfill", prefix: "bf")
    }

    private func begin(_ record: BackfillRecord) async throws(ControlError) {
        let (store, service) = (store, service)
        try await stored { () async throws(StoreError) in
            if let service { return try await service.begin(record) }
            var record = record
            record.state = .running
            record.detail = ""
            record.isSettled = false
            try await store.save(record)
        }
    }

    // MARK: Requests

    private func plan(_ request: BackfillRequest) throws(ControlError) -> BackfillPlan {
        guard SOQL.isName(request.entity) else {
            throw ControlError(.badInput, "'\(request.entity)' is not the API name of an object, such as Account or Site__c.")
        }
        let org = try org(request.org)
        try check(request)
        let subscribed = topics.filter { $0.org == org }.map(\.topic)
        var plan = BackfillPlan(
            org: org, entity: request.entity,
            topic: request.topic ?? EntityTopic.preferred(request.entity, among: subscribed))
        plan.filter = request.filter
        plan.rate = request.rate
        plan.rules = request.rules
        plan.destinations = request.destinations
        plan.cause = "asked for by an operator"
        return plan
    }

    private func org(_ name: String?) throws(ControlError) -> String {
        let known = Set(topics.map(\.org)).sorted()
        if let name {
            guard known.contains(name) else {
                throw ControlError(
                    .badInput, "there is no org '\(name)' in sluice.yaml; there is \(known.joined(separator: ", ")).")
            }
            return name
        }
        guard let only = known.first, known.count == 1 else {
            throw ControlError(.badInput, "say which org: --org \(known.joined(separator: " or --org ")).")
        }
        return only
    }

    private func check(_ request: BackfillRequest) throws(ControlError) {
        if let topic = request.topic, !EntityTopic.mayCarry(request.entity, topic) {
            throw ControlError(
                .badInput, "the topic \(topic) does not carry \(request.entity): its own is \(EntityTopic.single(request.entity)).")
        }
        if let rate = request.rate, !(0.01...100_000).contains(rate) {
            throw ControlError(.badInput, "--rate must be between 0.01/s and 100000/s.")
        }
        let rules = rules.current
        if let wrong = request.rules.first(where: { !rules.ruleIDs.contains($0) }) {
            throw ControlError(.badInput, "there is no rule '\(wrong)'.")
        }
        if let wrong = request.destinations.first(where: { rules.destinations[$0] == nil }) {
            throw ControlError(.badInput, "there is no destination '\(wrong)'.")
        }
    }

    /// How long somebody waits for Salesforce before the command answers.
    private static let patience: Duration = .seconds(10)

    /// Refuses an object that the org does not have. While Salesforce cannot be asked, the backfill waits for it as any
    /// other, and finds out then.
    private func checkObject(_ plan: BackfillPlan) async throws(ControlError) {
        guard let client = service?.orgs.entry(plan.org)?.client else { return }
        let hurried = client.impatient(timeout: Self.patience)
        let name: String?
        do throws(RESTError) { name = try await hurried.objectName(plan.entity) } catch { return }
        guard name != plan.entity else { return }
        if let name {
            throw ControlError(.badInput, "the object '\(plan.entity)' is written '\(name)' in the org \(plan.org).")
        }
        let objects = (try? await hurried.objects()) ?? []
        let hint = Suggestion.nearest(to: plan.entity, in: objects.map(\.name)).map { " Did you mean '\($0)'?" }
        throw ControlError(
            .badInput,
            "the org \(plan.org) has no object '\(plan.entity)', or its user may not see it.\(hint ?? "") "
                + "`sluice salesforce describe` lists the objects.")
    }

    // MARK: Views

    func view(_ record: BackfillRecord) async throws(ControlError) -> BackfillView {
        guard let plan = BackfillService.plan(of: record) else {
            throw ControlError(.failed, "the plan of \(record.id) was written by another version of sluice.")
        }
        let live = await service?.tracker(record.id)
        let progress = live?.progress ?? record.progress
        let isRunning = service != nil && record.state == .running
        return BackfillView(
            id: record.id, kind: plan.kind, org: plan.org, entity: plan.entity, topic: plan.topic, filter: plan.filter,
            since: plan.since.map(ControlTime.init), cause: plan.cause, state: record.state,
            detail: await detail(record, live), createdAt: ControlTime(record.createdAt),
            updatedAt: ControlTime(record.updatedAt), records: progress.records, deleted: progress.deleted,
            deliveries: progress.deliveries, failures: progress.failures,
            late: progress.late.count + (progress.lateDeleted?.count ?? 0),
            expected: progress.expected, dropped: await service?.gate.dropped(plan.subject), rate: plan.rate,
            rules: plan.rules, destinations: plan.destinations,
            secondsLeft: isRunning ? Self.secondsLeft(progress, plan.rate, now: time.wall()) : nil, isRunning: isRunning)
    }

    private func detail(_ record: BackfillRecord, _ live: BackfillTracker.Snapshot?) async -> String {
        guard record.state == .running else { return record.detail }
        guard let service else { return "goes on with the next `sluice run`" }
        if await service.waits(record.id) { return "waits for other backfills" }
        return live?.waits ?? ""
    }

    /// By how fast it was until now, or by its rate.
    static func secondsLeft(_ progress: BackfillProgress, _ rate: Double?, now: Int64) -> Int? {
        guard let expected = progress.expected, expected > progress.records else { return nil }
        let rest = Double(expected - progress.records)
        if let rate { return Int((rest / rate).rounded(.up)) }
        guard let began = progress.beganAt, now > began, progress.records > 0 else { return nil }
        return Int((rest * Double(now - began) / 1000 / Double(progress.records)).rounded(.up))
    }
}
